#include "tests/crash/journalled.hpp"

#include <stdlib.h>

#include <stdexcept>
#include <string>

#include "tests/blackbox/child.hpp"
#include "tests/support/write_journal.hpp"

namespace et::crash {

void with_journal(const fs::path& folder, const fs::path& journal,
                  const std::function<void()>& start) {
  // ThreadSanitizer learns from calls what orders threads, so its functions must come first.
  auto first = ::getenv("ET_PRELOAD_FIRST");
  auto libraries = first ? std::string{first} + ":" ET_PRELOAD : ET_PRELOAD;
  ::setenv("LD_PRELOAD", libraries.c_str(), 1);
  ::setenv("ET_JOURNAL_FILE", journal.c_str(), 1);
  ::setenv("ET_JOURNAL_FOLDER", folder.c_str(), 1);
  start();
  for (auto name : {"LD_PRELOAD", "ET_JOURNAL_FILE", "ET_JOURNAL_FOLDER"}) ::unsetenv(name);
}

void copy_folder(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  auto done = blackbox::run({"/bin/cp", "-a", from.string(), to.string()});
  if (done.code != 0) throw std::runtime_error("cannot copy " + from.string() + ": " + done.err);
}

powered_folder::powered_folder(fs::path folder)
    : folder_(std::move(folder)),
      base_(folder_.string() + ".base"),
      journal_(folder_.string() + ".journal") {
  copy_folder(folder_, base_);
}

void powered_folder::start(const std::function<void()>& start) const {
  fs::remove(journal_);
  with_journal(folder_, journal_, start);
}

void powered_folder::lose_power(uint64_t seed) const {
  copy_folder(base_, folder_);
  test::journal_reader journal{journal_};
  journal.play(journal.count(), folder_, seed);
  copy_folder(folder_, base_);
}

}  // namespace et::crash
