#include "storage/os/users.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>

namespace et {

namespace {

constexpr size_t max_groups = 65'536;

struct account {
  std::string name;
  uid_t uid;
  gid_t gid;
};

/// `get` is getpwuid_r or getpwnam_r for some user.
template <class Get>
std::optional<account> look_up_by(Get get) {
  std::vector<char> text(4096);
  for (;;) {
    passwd entry{};
    passwd* found = nullptr;
    int result = get(&entry, text.data(), text.size(), &found);
    if (result == ERANGE && text.size() < 1024 * 1024) {
      text.resize(text.size() * 2);
      continue;
    }
    if (result == EINTR) continue;
    if (!found) return std::nullopt;
    return account{found->pw_name, found->pw_uid, found->pw_gid};
  }
}

std::optional<account> look_up(uint32_t uid) {
  return look_up_by([uid](auto... rest) { return ::getpwuid_r(uid, rest...); });
}

caf::expected<os_user> with_groups(const account& entry) {
  std::vector<gid_t> groups(64);
  auto count = static_cast<int>(groups.size());
  while (::getgrouplist(entry.name.c_str(), entry.gid, groups.data(), &count) < 0) {
    if (groups.size() >= max_groups)
      return fail(errc::io_error, entry.name + " is in too many groups");
    groups.resize(std::max<size_t>(static_cast<size_t>(count), groups.size() * 2));
    count = static_cast<int>(groups.size());
  }
  groups.resize(static_cast<size_t>(count));
  return os_user{entry.uid, entry.gid, {groups.begin(), groups.end()}, entry.name};
}

}  // namespace

caf::expected<os_peer> peer_of_socket(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return fail_errno("cannot learn who has connected", errno);
  os_peer peer{{.uid = credentials.uid, .gid = credentials.gid}, credentials.pid};
  std::vector<gid_t> groups(64);
  for (;;) {
    size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0) break;
    if (errno != ERANGE || groups.size() >= max_groups)
      return fail_errno("cannot learn the groups of who has connected", errno);
    groups.resize(groups.size() * 4);
  }
  groups.resize(size / sizeof(gid_t));
  peer.user.groups.assign(groups.begin(), groups.end());
  peer.user.name = user_name(credentials.uid);
  return peer;
}

std::string user_name(uint32_t uid) {
  using clock = std::chrono::steady_clock;
  struct known {
    std::string name;
    clock::time_point until;
  };
  static std::mutex mutex;
  static std::map<uint32_t, known> cache;
  auto now = clock::now();
  {
    std::lock_guard lock{mutex};
    auto found = cache.find(uid);
    if (found != cache.end() && found->second.until > now) return found->second.name;
  }
  auto entry = look_up(uid);
  auto name = entry ? entry->name : std::to_string(uid);
  std::lock_guard lock{mutex};
  if (cache.size() > 4096) cache.clear();
  cache[uid] = {name, now + std::chrono::minutes{1}};
  return name;
}

caf::expected<os_user> find_user(uint32_t uid) {
  auto entry = look_up(uid);
  if (!entry)
    return fail(errc::not_found, "there is no user with the number " + std::to_string(uid));
  return with_groups(*entry);
}

caf::expected<os_user> find_user(const std::string& name) {
  auto entry = look_up_by([&name](auto... rest) { return ::getpwnam_r(name.c_str(), rest...); });
  if (!entry) return fail(errc::not_found, "there is no user " + name);
  return with_groups(*entry);
}

}  // namespace et
