#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/llm/model_spec.hpp"

namespace tiercast::importers {

/// What an importer is told of an entry of the catalogue's models.
struct CatalogueModel {
  std::string name;
  std::string title;
  std::string source;   ///< holds the address of its repository
  bool latent = false;  ///< multi-head latent attention
  bool experts = false;
  bool states = false;  ///< layers with a constant state
  bool windows = false;
};

struct ModelMatch {
  const CatalogueModel* model = nullptr;     ///< null: none has that name
  std::optional<llm::WeightFormat> weights;  ///< where the end of the name tells
  std::string weights_from;
};

/// The entry of a model as engines are given it: a repository (`RedHatAI/Qwen3-32B-FP8`), or a
/// folder of such a name. Compared are the words of names: without organisation, weight format,
/// `Instruct` and the like.
ModelMatch match_model(const std::string& given, const std::vector<CatalogueModel>& models);

}  // namespace tiercast::importers
