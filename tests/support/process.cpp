#include "tests/support/process.hpp"

#include <cstdio>
#include <fcntl.h>
#include <stdexcept>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tiercast::tests {
namespace {

// Files rather than pipes: a program may then write any amount to either without a reader.
class Capture {
 public:
  Capture() : file_(std::tmpfile()) {
    if (file_ == nullptr) throw std::runtime_error("no temporary file for a program's output");
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  ~Capture() { std::fclose(file_); }

  int descriptor() const { return fileno(file_); }

  std::string text() const {
    std::rewind(file_);
    std::string text;
    for (int c = std::fgetc(file_); c != EOF; c = std::fgetc(file_)) {
      text.push_back(static_cast<char>(c));
    }
    return text;
  }

 private:
  std::FILE* file_;
};

[[noreturn]] void become(std::vector<char*>& argv, const std::vector<std::string>& environment,
                         const Capture& out, const Capture& err) {
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  dup2(out.descriptor(), STDOUT_FILENO);
  dup2(err.descriptor(), STDERR_FILENO);
  for (const std::string& entry : environment) {
    const std::size_t equals = entry.find('=');
    setenv(entry.substr(0, equals).c_str(), entry.substr(equals + 1).c_str(), 1);
  }
  execvp(argv[0], argv.data());
  std::perror(argv[0]);
  _exit(127);
}

}  // namespace

Finished run_process(const std::vector<std::string>& argv,
                     const std::vector<std::string>& environment) {
  std::vector<std::string> copies = argv;
  std::vector<char*> pointers;
  for (std::string& argument : copies) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const Capture out;
  const Capture err;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("cannot start " + argv.at(0));
  if (child == 0) become(pointers, environment, out, err);
  int status = 0;
  waitpid(child, &status, 0);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {code, out.text(), err.text()};
}

}  // namespace tiercast::tests
