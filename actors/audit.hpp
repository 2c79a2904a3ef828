// Who did what from where, with what outcome: how records for the audit come about. The session
// port makes one for every command that changes something or gives data out and for every command
// that is refused, the front door one for every login; the registrar stores them.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "actors/caf_compat.hpp"
#include "actors/messages.hpp"

namespace et {

/// Longest text of a record that somebody outside decides on, in bytes.
constexpr size_t max_audit_text_bytes = 512;

/// Records are kept so long where no configuration says otherwise.
constexpr uint32_t default_audit_days = 400;

/// A record that still lacks its outcome.
struct audit_draft {
  audit_record record;
  bool on_success = false;  ///< else only a refusal is worth a record
  bool on_failure = false;  ///< whatever the reason; else only not_authorised
};

/// The draft for a client's message of that identity; null for what is never recorded: the bytes
/// and pages of what has been recorded at its beginning.
std::shared_ptr<audit_draft> audit_draft_of(const identity& who,
                                            const caf::type_erased_tuple& words);

/// Puts what the answer says into the record: the numbers that were given to a batch, ….
void describe(audit_record& record, const batch_record& answer);
void describe(audit_record& record, const retrieval_record& answer);
void describe(audit_record& record, const token_record& answer);
template <class T>
void describe(audit_record&, const T&) {}

/// The record of an outcome; nothing when it is not worth one.
std::optional<audit_record> concluded(const audit_draft& draft, const caf::error& outcome);

/// `text` with at most max_audit_text_bytes, as is seen at its end.
std::string clipped(std::string text);

/// Bounds the records about refusals: for each name (an address, a user) a number of them a minute,
/// the rest is counted. Above a number of names, new ones share one. Plain code, of one thread.
class refusal_meter {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::minutes period{1};
  static constexpr size_t max_names = 1024;
  static constexpr const char* others = "others";

  explicit refusal_meter(uint64_t each_period) : each_period_(each_period) {}

  /// One more refusal of `name`; true when it is to be recorded.
  bool count(const std::string& name, time_point now);

  /// The names whose minute is over, with how many refusals were not recorded; they are forgotten.
  std::map<std::string, uint64_t> take_untold(time_point now);

  bool empty() const { return entries_.empty(); }

 private:
  struct entry {
    time_point since;
    uint64_t counted = 0;
  };
  uint64_t each_period_;
  std::map<std::string, entry> entries_;
};

}  // namespace et
