#include "actors/administrators.hpp"

#include <unistd.h>

#include <algorithm>

#include "storage/os/users.hpp"

namespace et {

bool administrator_list::includes(uint32_t uid, const std::string& user) const {
  return uid == 0 || uid == ::geteuid() ||
         std::find(names.begin(), names.end(), user) != names.end();
}

bool administrator_list::includes(const std::string& user) const {
  return user == user_name(0) || user == user_name(::geteuid()) ||
         std::find(names.begin(), names.end(), user) != names.end();
}

}  // namespace et
