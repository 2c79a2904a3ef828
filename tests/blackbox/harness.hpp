// Runs the installed binary as people do: a service in a folder of its own, commands against it.
#pragma once

#include <sys/stat.h>

#include <memory>

#include "tests/blackbox/child.hpp"

namespace et::blackbox {

/// A folder that goes with the test. Everybody may enter it.
class temp_folder {
 public:
  /// In `base`; without: where ET_TEST_FOLDER says, else in /tmp.
  explicit temp_folder(const char* base = nullptr);
  ~temp_folder();
  const fs::path& path() const { return path_; }
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

/// A service on a state folder; ended, gently, with the object.
class service {
 public:
  /// `config`: TOML text, empty: the embedded default.
  explicit service(fs::path state, std::string config = {});
  ~service();

  /// Starts and waits for the ready line; the test fails when it does not come within a minute.
  void start();
  /// Starts a service that is expected to refuse; its exit code and what it said.
  outcome start_refused();
  void kill_9();
  /// SIGTERM; the exit code.
  int stop();
  bool running() const { return process_ != nullptr; }
  pid_t process() const { return process_ ? process_->process() : 0; }

  void set_config(std::string config) { config_ = std::move(config); }

  /// A command against this service; `local` is its workspace.
  outcome call(const std::vector<std::string>& words, const std::string& input = {}) const;
  /// The same by somebody else.
  outcome call_as(const user& who, const std::vector<std::string>& words,
                  const std::string& input = {}) const;
  /// What makes a command use this service and no configuration of the machine.
  environment surroundings() const;
  /// et_put with `extra` words; the id, or 0 with `last` telling why.
  uint64_t put(const std::vector<std::string>& extra);
  /// Waits until a batch is safe or failed; the exit code of `status --wait`.
  int wait(uint64_t batch) const;

  /// Address of its monitor, `http://HOST:PORT`, or `off`.
  const std::string& monitor() const { return monitor_; }
  /// Where clients of other machines connect, HOST:PORT; empty: nowhere.
  const std::string& remote() const { return remote_; }
  /// What `admin inspect` tells of an actor; empty when it does not.
  std::string fact(const std::string& actor, const std::string& name) const;

  const fs::path& state() const { return state_; }
  /// What the service said so far.
  std::string log() const;
  outcome last;

 private:
  std::vector<std::string> words() const;

  fs::path state_;
  fs::path own_;  ///< configuration and what it said
  std::string config_;
  std::string monitor_;
  std::string remote_;
  std::unique_ptr<child> process_;
};

/// Writes a file with its folders.
void write_file(const fs::path& file, const std::string& content);
std::string read_file(const fs::path& file);

/// lstat(2) of something that is there.
struct stat look(const fs::path& file);

/// What differs between a tree and its copy under `back` + its absolute path; empty: nothing.
std::string difference(const fs::path& tree, const fs::path& back);

/// A tree of awkward files: empty, one byte, spaces, newline, UTF-8, other bytes, a deep path of
/// over 1,000 bytes, and one of `large_bytes`. The same for the same seed.
void make_awkward_tree(const fs::path& tree, uint64_t large_bytes, uint32_t seed);

}  // namespace et::blackbox
