// What may stand at the cursor of a command line: worked out from the definitions of the commands,
// so that scripts of shells know nothing about them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/service_api.hpp"

namespace et {

/// Batches that are offered at most: the newest.
constexpr size_t max_offered_batches = 200;

struct candidate {
  std::string word;
  std::string about;  ///< for shells that show it; may be empty
};

enum class wanted_kind {
  words,       ///< one of completion_place::words; none: nothing is known
  files,       ///< the shell knows better
  folders,     ///< the shell knows better
  workspaces,  ///< the service knows
  batches,     ///< the service knows
};

struct completion_place {
  wanted_kind what = wanted_kind::words;
  std::string begun;             ///< what stands of the word, without quotes
  std::vector<candidate> words;  ///< that begin with `begun`
  /// Options that stand on the line already; empty: not given.
  std::string workspace;
  std::string server;
  std::string state;
};

/// `words` as a shell has them: words[0] is the name of the program, quotes are still in them, and
/// `=` may be a word of its own (bash). `current`: index of the word at the cursor.
completion_place find_place(const std::vector<std::string>& words, size_t current);

/// Those that begin with `begun`; none when the service does not answer with any.
std::vector<candidate> workspace_candidates(service_api& service, const std::string& begun);

/// The same, newest first, at most max_offered_batches.
std::vector<candidate> batch_candidates(service_api& service, const std::string& workspace,
                                        const std::string& begun);

}  // namespace et
