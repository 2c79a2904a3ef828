#include "actors/trouble_log.hpp"

namespace et {

bool trouble_log::begins(const std::string& subject) {
  return ++lasting_[subject] == 1;
}

bool trouble_log::over(const std::string& subject) {
  return lasting_.erase(subject) > 0;
}

uint64_t trouble_log::times(const std::string& subject) const {
  auto found = lasting_.find(subject);
  return found == lasting_.end() ? 0 : found->second;
}

}  // namespace et
