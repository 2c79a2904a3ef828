#include "actors/state_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace et {

caf::error state_folder::check_version() {
  auto version_file = path_ / "version";
  auto text = read_small_file(version_file, 64);
  if (text) {
    auto version = std::strtoul(text->c_str(), nullptr, 10);
    if (version > state_version)
      return fail(errc::newer_version, "the state folder " + path_.string() + " has version " +
                                           std::to_string(version) + ", this program knows up to " +
                                           std::to_string(state_version) +
                                           "; use the newer program");
    if (version == 0)
      return fail(errc::corrupt, version_file.string() + " does not hold a version number");
    return {};
  }
  if (code_of(text.error()) != errc::not_found) return text.error();
  return replace_file(version_file, std::to_string(state_version) + "\n");
}

caf::error state_folder::take_name(const std::string& node) {
  auto name_file = path_ / "node";
  if (!node.empty()) {
    node_ = node;
    return replace_file(name_file, node + "\n");
  }
  auto text = read_small_file(name_file, 256);
  if (text) {
    node_ = text->substr(0, text->find('\n'));
    if (!node_.empty()) return {};
    return fail(errc::corrupt, name_file.string() + " does not hold the name of this node");
  }
  if (code_of(text.error()) != errc::not_found) return text.error();
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0)
    return fail_errno("cannot learn the name of this host", errno);
  node_ = host;
  return replace_file(name_file, node_ + "\n");
}

caf::expected<state_folder> state_folder::open(const std::filesystem::path& path,
                                               const std::string& node) {
  state_folder made;
  made.path_ = path;
  if (auto error = make_folders(path)) return error;
  // A newer version may lock otherwise, so before the lock nothing is written.
  auto lock = open_file(path / "lock", O_RDWR | O_CREAT, 0600);
  if (!lock) return lock.error();
  if (::flock(lock->get(), LOCK_EX | LOCK_NB) != 0)
    return fail(errc::locked, "another service uses the state folder " + path.string() +
                                  "; stop it, or name another folder");
  made.lock_ = std::move(*lock);
  if (auto error = made.check_version()) return error;
  if (auto error = made.take_name(node)) return error;
  return made;
}

}  // namespace et
