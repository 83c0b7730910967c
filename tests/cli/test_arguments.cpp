#include <stdlib.h>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/cli/arguments.hpp"

namespace tiercast::cli {
namespace {

using Catch::Contains;
using Words = std::vector<std::string>;

Parsed parse(const Words& words) {
  // What a user has set for all commands is not what is tested here.
  setenv("XDG_CONFIG_HOME", "/dev/null", 1);
  for (const char* name : {"TIERCAST_SEED", "TIERCAST_OUT", "TIERCAST_FORMAT", "TIERCAST_COLOR",
                           "TIERCAST_QUIET", "TIERCAST_CONFIGS"}) {
    unsetenv(name);
  }
  std::vector<const char*> argv{"tiercast"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return parse_arguments(static_cast<int>(argv.size()), argv.data());
}

Arguments accepted(const Words& words) {
  Parsed parsed = parse(words);
  INFO(parsed.text);
  REQUIRE(parsed.arguments.has_value());
  CHECK(parsed.exit_code == exit_ok);
  return *parsed.arguments;
}

std::string refused(const Words& words) {
  const Parsed parsed = parse(words);
  CHECK_FALSE(parsed.arguments.has_value());
  CHECK(parsed.exit_code == exit_bad_input);
  CHECK_THAT(parsed.text, Catch::StartsWith("tiercast: ") && Catch::EndsWith("\n"));
  return parsed.text;
}

TEST_CASE("Without flags a command has its defaults", "[cli]") {
  const Arguments run = accepted({"run", "a.yaml"});
  CHECK(run.command == "run");
  CHECK(run.inputs == Words{"a.yaml"});
  CHECK(run.sets.empty());
  CHECK_FALSE(run.seed.has_value());
  CHECK_FALSE(run.out.has_value());
  CHECK(run.format == Format::text);
  CHECK(run.color == ColorWhen::automatic);
  CHECK_FALSE(run.quiet);
  CHECK_FALSE(run.dry_run);
  CHECK_FALSE(run.without_effort);
}

TEST_CASE("Every flag of run is taken, before or after the scenario", "[cli]") {
  for (const Words& words :
       {Words{"run", "a.yaml", "--set", "a.b=1", "--set", "c=x=y", "--seed", "7", "--out", "dir",
              "--format", "json", "--color", "never", "--quiet", "--dry-run", "--reproducible"},
        Words{"run", "--reproducible", "--dry-run", "--quiet", "--color=never", "--format=JSON",
              "--out=dir", "--seed=7", "--set=a.b=1", "--set=c=x=y", "a.yaml"}}) {
    const Arguments run = accepted(words);
    CHECK(run.inputs == Words{"a.yaml"});
    CHECK(run.sets == Words{"a.b=1", "c=x=y"});
    CHECK(run.seed == 7);
    CHECK(run.out == "dir");
    CHECK(run.format == Format::json);
    CHECK(run.color == ColorWhen::never);
    CHECK(run.quiet);
    CHECK(run.dry_run);
    CHECK(run.without_effort);
  }
}

TEST_CASE("Commands take as many files and names as they can use", "[cli]") {
  CHECK(accepted({"validate", "a.yaml", "b.yaml", "c.yaml"}).inputs.size() == 3);
  CHECK(accepted({"explain", "a.yaml", "engine.tp"}).inputs == Words{"a.yaml"});
  CHECK(accepted({"explain", "a.yaml", "engine.tp"}).detail == "engine.tp");
  CHECK_FALSE(accepted({"explain", "a.yaml"}).detail);
  CHECK(accepted({"configs"}).inputs.empty());
  CHECK(accepted({"configs", "gpus"}).inputs == Words{"gpus"});
  CHECK(accepted({"configs", "gpus", "h100-sxm"}).detail == "h100-sxm");
  CHECK(accepted({"policies"}).inputs.empty());
  CHECK(accepted({"policies", "lru"}).inputs == Words{"lru"});
  CHECK(accepted({"schema"}).command == "schema");
  CHECK(accepted({"version"}).command == "version");
  refused({"run"});
  refused({"run", "a.yaml", "b.yaml"});
  refused({"validate"});
  refused({"explain", "a.yaml", "engine.tp", "engine.pp"});
  refused({"configs", "gpus", "h100-sxm", "hbm"});
  refused({"version", "now"});
}

TEST_CASE("A flag that may be given again takes one value each time", "[cli]") {
  const Arguments explain = accepted({"explain", "a.yaml", "--set", "a=1", "--set", "b=2", "c.d"});
  CHECK(explain.sets == Words{"a=1", "b=2"});
  CHECK(explain.detail == "c.d");
  CHECK(accepted({"explain", "--set", "a=1", "a.yaml", "c.d"}).detail == "c.d");
  CHECK(accepted({"validate", "a.yaml", "--set", "a=1", "b.yaml"}).inputs ==
        Words{"a.yaml", "b.yaml"});
  CHECK_THAT(refused({"run", "a.yaml", "--set", "a=1", "b=2"}), Contains("SCENARIO"));
  const Arguments cache = accepted({"cache", "--policy", "lru", "--policy", "fifo", "--capacity",
                                    "10,20", "--parameter", "x=1", "t.jsonl"});
  CHECK(cache.inputs == Words{"t.jsonl"});
  CHECK(cache.policies == Words{"lru", "fifo"});
  CHECK(cache.capacities == Words{"10", "20"});
}

TEST_CASE("A cache replay takes lists of policies and capacities", "[cli]") {
  const Arguments cache = accepted({"cache", "t.jsonl", "--policy", "lru,s3fifo", "--capacity",
                                    "10,20,5%", "--parameter", "small=0.2", "--prefix", "--bound",
                                    "--jobs", "3", "--concurrent", "16"});
  CHECK(cache.policies == Words{"lru", "s3fifo"});
  CHECK(cache.capacities == Words{"10", "20", "5%"});
  CHECK(cache.bound);
  CHECK(cache.jobs == 3u);
  CHECK(cache.concurrent == 16);
  CHECK(cache.parameters == Words{"small=0.2"});
  CHECK(cache.prefix_rule);
  CHECK(accepted({"cache", "t.jsonl", "--policy", "lru"}).capacities.empty());
  CHECK_THAT(refused({"cache", "t.jsonl", "--capacity", "1"}), Contains("--policy"));
  for (const char* flag : {"--jobs", "--concurrent"}) {
    CHECK_THAT(refused({"cache", "t.jsonl", "--policy", "lru", flag, "0"}), Contains(flag));
  }
}

TEST_CASE("What was probably meant is suggested", "[cli]") {
  CHECK_THAT(refused({"rnu", "a.yaml"}), Contains("`rnu`") && Contains("did you mean `run`?"));
  CHECK_THAT(refused({"validat"}), Contains("did you mean `validate`?"));
  CHECK_THAT(refused({"dance"}), Contains("`dance`") && Contains("tiercast --help"));
  CHECK_THAT(refused({"run", "a.yaml", "--reproducable"}),
             Contains("`--reproducable`") && Contains("did you mean `--reproducible`?"));
  CHECK_THAT(refused({"run", "--fromat=json", "a.yaml"}), Contains("did you mean `--format`?"));
  CHECK_THAT(refused({"validate", "a.yaml", "--wobble"}),
             Contains("`--wobble`") && Contains("tiercast validate --help"));
  // A flag of another command is as unknown as any.
  CHECK_THAT(refused({"validate", "a.yaml", "--prefix"}), Contains("`--prefix`"));
  CHECK_THAT(refused({"list", "--help"}), Contains("no command `list`"));
  CHECK_FALSE(refused({}).empty());
}

TEST_CASE("Values of flags are checked and the flag is named", "[cli]") {
  for (const char* seed : {"-1", "lucky", "1.5", "99999999999999999999", ""}) {
    CHECK_THAT(refused({"run", "a.yaml", "--seed", seed}), Contains("--seed"));
  }
  CHECK(accepted({"run", "a.yaml", "--seed", "9223372036854775807"}).seed == INT64_MAX);
  CHECK_THAT(refused({"run", "a.yaml", "--format", "xml"}),
             Contains("--format") && Contains("xml") && Contains("json") && Contains("text"));
  CHECK_THAT(refused({"run", "a.yaml", "--color", "red"}),
             Contains("--color") && Contains("always") && Contains("never"));
  CHECK_THAT(refused({"run", "a.yaml", "--out"}), Contains("--out"));
}

TEST_CASE("Help is no mistake and names what there is", "[cli]") {
  const Parsed help = parse({"--help"});
  CHECK_FALSE(help.arguments.has_value());
  CHECK(help.exit_code == exit_ok);
  for (const char* command :
       {"run", "validate", "explain", "cache", "policies", "configs", "schema", "version"}) {
    CHECK_THAT(help.text, Contains(command));
    CHECK(parse({command, "--help"}).exit_code == exit_ok);
  }
  CHECK_THAT(parse({"run", "--help"}).text, Contains("--reproducible") && Contains("--set"));
}

TEST_CASE("Import takes a kind, an input and what it may need beside them", "[cli]") {
  const Arguments hf =
      accepted({"import", "hf", "config.json", "--catalogue", "--assume", "llama"});
  CHECK(hf.command == "import");
  CHECK(hf.kind == "hf");
  CHECK(hf.inputs == Words{"config.json"});
  CHECK(hf.catalogue_entry);
  CHECK(hf.assume == "llama");
  CHECK_FALSE(hf.output.has_value());
  const Arguments vllm = accepted({"import", "vllm", "vllm serve a -tp 2", "-o", "out.yaml",
                                   "--gpu", "h100-sxm", "--node", "dgx-h100"});
  CHECK(vllm.inputs == Words{"vllm serve a -tp 2"});
  CHECK(vllm.output == "out.yaml");
  CHECK(vllm.gpu == "h100-sxm");
  CHECK(vllm.node == "dgx-h100");
  // Arguments alone begin like a flag.
  CHECK(accepted({"import", "sglang", "--model-path a --tp 2"}).inputs ==
        Words{" --model-path a --tp 2"});
  CHECK(accepted({"import", "vllm", "-"}).inputs == Words{"-"});
  refused({"import", "tgi", "a"});
  refused({"import", "hf"});
  refused({"import", "hf", "a", "--assume", "bert"});
  CHECK_THAT(refused({"import", "hf", "a", "--catalog"}), Contains("did you mean `--catalogue`?"));
}

}  // namespace
}  // namespace tiercast::cli
