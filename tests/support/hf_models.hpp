// Models as Hugging Face writes them down, put together from their published shapes.
#pragma once

#include <map>
#include <string>

namespace tiercast::tests {

/// config.json texts by a name; those of the catalogue have its names.
const std::map<std::string, std::string>& hf_models();

}  // namespace tiercast::tests
