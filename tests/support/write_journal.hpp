// A journal of everything that a program changes and flushes below a folder, and what a disk may
// hold when the power goes at any moment of it.
//
// The program runs with the library liblossy_disk.so in LD_PRELOAD, ET_JOURNAL_FOLDER naming the
// folder and ET_JOURNAL_FILE the journal, which lies elsewhere. Others may put marks between its
// records with add_mark(): what a client had been told by then. Nothing is really flushed
// meanwhile.
//
// A record: magic, bytes of the rest, kind, inode, two numbers, bytes of the name, the name, data,
// magic again; numbers in the machine's order, since journals do not travel.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace et::test {

enum class journal_kind : uint8_t {
  created,         ///< file `inode` under `name`, with mode `first`
  opened,          ///< file or folder `inode` is there under `name`
  data,            ///< of `inode`, at offset `first`
  resized,         ///< `inode` has `first` bytes
  flushed,         ///< a file, or a folder
  renamed,         ///< `name` to the name in `data`, with flags `first`
  unlinked,        ///< `name`
  folder_made,     ///< `name`, with mode `first`
  folder_removed,  ///< `name`
  linked,          ///< `name` has a second name, in `data`
  mark,            ///< `data` is the text
};

struct journal_record {
  journal_kind kind = journal_kind::mark;
  uint64_t inode = 0;
  uint64_t first = 0;
  std::string_view name;  ///< from the folder on; empty: the folder itself
  std::string_view data;
};

/// One record as bytes of the file.
std::string encode(const journal_record& record);

/// Appends a mark. Throws std::runtime_error when the journal cannot be written.
void add_mark(const std::filesystem::path& journal, const std::string& text);

/// A journal as it was when it was opened. A record that a kill cut short ends it.
class journal_reader {
 public:
  /// Throws std::runtime_error when there is none.
  explicit journal_reader(const std::filesystem::path& journal);
  ~journal_reader();
  journal_reader(const journal_reader&) = delete;
  journal_reader& operator=(const journal_reader&) = delete;

  size_t count() const { return starts_.size(); }
  journal_record record(size_t number) const;
  /// Texts of the marks among the first `records`.
  std::vector<std::string> marks(size_t records) const;
  /// Brings `folder`, which holds what was there when the journal began, into a state that its disk
  /// may be in after a power loss behind the first `records`. For programs with file_calls.cpp.
  /// Throws std::runtime_error when a record cannot be done on it.
  void play(size_t records, const std::filesystem::path& folder, uint64_t seed) const;

 private:
  const char* bytes_ = nullptr;
  size_t size_ = 0;
  std::vector<size_t> starts_;
};

}  // namespace et::test
