// Which troubles of drives, volumes and the like have been announced: each is told of when it
// begins and when it is over, and not each time that it shows. In memory only: what still lasts
// after a restart is announced anew.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace et {

class trouble_log {
 public:
  /// `subject` is in trouble. True when that is news; until over() it is not any more. The caller
  /// bounds the number of subjects.
  bool begins(const std::string& subject);
  /// `subject` works. True when it was in trouble.
  bool over(const std::string& subject);
  /// How often a trouble that lasts has shown; 0 when there is none.
  uint64_t times(const std::string& subject) const;

 private:
  std::map<std::string, uint64_t> lasting_;
};

}  // namespace et
