// Runs commands against the fake, with their output in memory and a folder of their own.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/commands/context.hpp"
#include "tests/cli/fake_service.hpp"

namespace et::test {

namespace fs = std::filesystem;

/// A file in memory that stands for a descriptor of the process.
class memory_fd {
 public:
  memory_fd() : fd_(memfd_create("test", MFD_CLOEXEC)) {}
  int get() const { return fd_.get(); }
  std::string text() const {
    std::string all(static_cast<size_t>(lseek(fd_.get(), 0, SEEK_END)), '\0');
    [[maybe_unused]] auto n = pread(fd_.get(), all.data(), all.size(), 0);
    return all;
  }

 private:
  unique_fd fd_;
};

class temporary_folder {
 public:
  temporary_folder() {
    std::string name = (fs::temp_directory_path() / "et-cli-XXXXXX").string();
    path_ = fs::canonical(mkdtemp(name.data()));
  }
  ~temporary_folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

inline void write_text(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream{path, std::ios::binary} << text;
}

inline std::string read_text(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

struct command_fixture {
  temporary_folder folder;
  fake_service service;
  memory_fd out_fd;
  memory_fd err_fd;
  std::atomic<bool> stop{false};
  unsigned connections = 0;
  bool runs_here = false;  ///< a service, on the state folder

  /// Runs `run(options, context)` and returns its exit code.
  template <class Run, class Options>
  int run(Run command, const Options& options) {
    output out{out_fd.get()};
    reporter report{"et_test", err_fd.get(), false};
    command_context context{out, report, {}, {}, 1};
    context.connect = [this] { return connect(); };
    context.connect_to_state =
        [this](const std::string&) -> caf::expected<std::unique_ptr<service_api>> {
      if (!runs_here) return fail(errc::unavailable, "no service answers there");
      return connect();
    };
    context.catch_interrupt = [this]() -> const std::atomic<bool>& { return stop; };
    return command(options, context);
  }

  caf::expected<std::unique_ptr<service_api>> connect();
};

}  // namespace et::test
