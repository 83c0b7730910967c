#include "sim/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace tiercast {
namespace {

// Per thread, because runs share nothing but the process.
thread_local const RunContext* current_context = nullptr;

}  // namespace

RunContextScope::RunContextScope(const RunContext& context) : previous_(current_context) {
  current_context = &context;
}

RunContextScope::~RunContextScope() { current_context = previous_; }

std::string fill_braces(std::string_view pattern, std::initializer_list<CheckArg> args) {
  std::string text;
  const CheckArg* next = args.begin();
  while (!pattern.empty()) {
    const std::size_t brace = pattern.find("{}");
    text += pattern.substr(0, brace);
    if (brace == std::string_view::npos) break;
    text += next != args.end() ? (next++)->text() : "{}";
    pattern.remove_prefix(brace + 2);
  }
  for (; next != args.end(); ++next) text += ' ' + next->text();
  return text;
}

void fail_check(const CheckSite& site, const std::string& message) {
  std::fprintf(stderr, "%s:%d: internal error: %s\n  violated: %s\n", site.file, site.line,
               message.c_str(), site.condition);
  if (current_context != nullptr) {
    const RunContext& run = *current_context;
    std::fprintf(stderr, "  seed %llu, simulated time %lld ns\n",
                 static_cast<unsigned long long>(run.seed), static_cast<long long>(run.now_ns));
    if (!run.replay.empty()) std::fprintf(stderr, "  replay: %s\n", run.replay.c_str());
  }
  std::fflush(stderr);
  std::abort();
}

}  // namespace tiercast
