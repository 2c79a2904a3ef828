#include "tests/support/write_journal.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <stdexcept>

#include "tests/support/lossy_disk.hpp"
#include "tests/support/raw_calls.hpp"

namespace et::test {

namespace {

namespace fs = std::filesystem;

constexpr uint32_t magic = 0x4a4c5445;

struct record_head {
  uint32_t magic;
  uint32_t rest_bytes;  ///< name, data and the second magic
  uint64_t inode;
  uint64_t first;
  uint32_t name_bytes;
  uint32_t kind;
};

[[noreturn]] void give_up(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

/// Does records on a folder by ordinary calls, which a lossy_disk on it sees.
class player {
 public:
  explicit player(const fs::path& folder) : folder_(folder) {
    // Every file of the journal stays open: a removed one may still be written.
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~player() {
    for (auto [inode, fd] : files_) ::close(fd);
  }
  void run(const journal_record& one);

 private:
  std::string path(std::string_view name) const { return (folder_ / name).string(); }
  void open(const journal_record& one);
  int file(uint64_t inode) const;
  static void check(int result, const char* what, const journal_record& one) {
    if (result < 0) give_up(std::string{what} + " of the journal, " + std::string{one.name});
  }

  fs::path folder_;
  std::map<uint64_t, int> files_;
};

int player::file(uint64_t inode) const {
  auto found = files_.find(inode);
  if (found == files_.end()) throw std::runtime_error("the journal has a file that was not opened");
  return found->second;
}

void player::open(const journal_record& one) {
  bool created = one.kind == journal_kind::created;
  auto& fd = files_.try_emplace(one.inode, -1).first->second;
  if (fd >= 0 && !created) return;
  if (fd >= 0) ::close(fd);
  auto name = path(one.name);
  int flags = created ? O_RDWR | O_CREAT : O_RDWR;
  fd = ::open(name.c_str(), flags | O_CLOEXEC, static_cast<mode_t>(one.first));
  if (fd < 0 && errno == EISDIR) fd = ::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check(fd, "an open", one);
}

void player::run(const journal_record& one) {
  switch (one.kind) {
    case journal_kind::created:
    case journal_kind::opened:
      return open(one);
    case journal_kind::data:
      return check(static_cast<int>(::pwrite(file(one.inode), one.data.data(), one.data.size(),
                                             static_cast<off_t>(one.first))),
                   "a write", one);
    case journal_kind::resized:
      return check(::ftruncate(file(one.inode), static_cast<off_t>(one.first)), "a size", one);
    case journal_kind::flushed:
      return check(::fsync(file(one.inode)), "a flush", one);
    case journal_kind::renamed:
      return check(::renameat2(AT_FDCWD, path(one.name).c_str(), AT_FDCWD, path(one.data).c_str(),
                               static_cast<unsigned>(one.first)),
                   "a rename", one);
    case journal_kind::unlinked:
      // Sockets are removed too, which the journal has not seen come.
      ::unlink(path(one.name).c_str());
      return;
    case journal_kind::folder_made:
      return check(::mkdir(path(one.name).c_str(), static_cast<mode_t>(one.first)), "a folder",
                   one);
    case journal_kind::folder_removed:
      return check(::rmdir(path(one.name).c_str()), "a removed folder", one);
    case journal_kind::linked:
      return check(::link(path(one.name).c_str(), path(one.data).c_str()), "a link", one);
    case journal_kind::mark:
      return;
  }
}

}  // namespace

std::string encode(const journal_record& record) {
  record_head head{magic,
                   static_cast<uint32_t>(record.name.size() + record.data.size() + sizeof magic),
                   record.inode,
                   record.first,
                   static_cast<uint32_t>(record.name.size()),
                   static_cast<uint32_t>(record.kind)};
  std::string bytes;
  bytes.reserve(sizeof head + head.rest_bytes);
  bytes.append(reinterpret_cast<const char*>(&head), sizeof head);
  bytes.append(record.name);
  bytes.append(record.data);
  bytes.append(reinterpret_cast<const char*>(&magic), sizeof magic);
  return bytes;
}

void add_mark(const fs::path& journal, const std::string& text) {
  auto bytes = encode({.kind = journal_kind::mark, .data = text});
  int fd = raw::open_at(AT_FDCWD, journal.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) give_up(journal.string());
  iovec part{bytes.data(), bytes.size()};
  auto n = raw::write_parts(fd, &part, 1);
  raw::close(fd);
  if (n != static_cast<ssize_t>(bytes.size())) give_up(journal.string());
}

journal_reader::journal_reader(const fs::path& journal) {
  int fd = raw::open_at(AT_FDCWD, journal.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (fd < 0 || ::fstat(fd, &status) != 0) give_up(journal.string());
  size_ = static_cast<size_t>(status.st_size);
  auto* mapped = size_ > 0 ? ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0) : nullptr;
  raw::close(fd);
  if (mapped == MAP_FAILED) give_up(journal.string());
  bytes_ = static_cast<const char*>(mapped);
  for (size_t at = 0; at + sizeof(record_head) <= size_;) {
    record_head head{};
    std::memcpy(&head, bytes_ + at, sizeof head);
    auto end = at + sizeof head + head.rest_bytes;
    if (head.magic != magic || end > size_ || head.rest_bytes < sizeof magic ||
        head.name_bytes > head.rest_bytes - sizeof magic ||
        std::memcmp(bytes_ + end - sizeof magic, &magic, sizeof magic) != 0)
      break;
    starts_.push_back(at);
    at = end;
  }
}

journal_reader::~journal_reader() {
  if (size_ > 0) ::munmap(const_cast<char*>(bytes_), size_);
}

journal_record journal_reader::record(size_t number) const {
  const auto* at = bytes_ + starts_.at(number);
  record_head head{};
  std::memcpy(&head, at, sizeof head);
  at += sizeof head;
  return {static_cast<journal_kind>(head.kind), head.inode, head.first,
          std::string_view{at, head.name_bytes},
          std::string_view{at + head.name_bytes, head.rest_bytes - head.name_bytes - sizeof magic}};
}

std::vector<std::string> journal_reader::marks(size_t records) const {
  std::vector<std::string> texts;
  for (size_t i = 0; i < records; ++i) {
    auto one = record(i);
    if (one.kind == journal_kind::mark) texts.emplace_back(one.data);
  }
  return texts;
}

void journal_reader::play(size_t records, const fs::path& folder, uint64_t seed) const {
  lossy_disk disk{folder};
  auto mask = ::umask(0);
  {
    player all{folder};
    for (size_t i = 0; i < records; ++i) all.run(record(i));
  }
  ::umask(mask);
  disk.power_loss(seed);
}

}  // namespace et::test
