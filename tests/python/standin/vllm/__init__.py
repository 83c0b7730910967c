raise ImportError("the package itself must not be imported")
