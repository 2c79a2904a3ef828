#include "storage/cache/read_ahead.hpp"

#include "cache_support.hpp"

namespace et::test {

namespace {

std::unique_ptr<read_ahead> start(const std::filesystem::path& path, size_t buffers) {
  auto fd = open_file(path, O_RDONLY);
  REQUIRE(fd);
  auto reader = read_ahead::start(std::move(*fd), buffers);
  REQUIRE(reader);
  return std::move(*reader);
}

}  // namespace

TEST_CASE("a file comes whole and in order, in full pieces") {
  temporary_folder dir;
  constexpr size_t mib = read_ahead::buffer_bytes;
  for (size_t size_bytes : {size_t{0}, size_t{1}, mib - 1, mib, mib + 1, 8 * mib, 23 * mib + 17}) {
    auto content = pattern(size_bytes, size_bytes);
    write_file(dir.path() / "f", content);
    for (size_t buffers : {0, 2, 8}) {
      auto reader = start(dir.path() / "f", buffers);
      std::string got;
      for (;;) {
        auto piece = reader->next();
        REQUIRE(piece);
        if (piece->empty()) break;
        CHECK(piece->size() == std::min(mib, size_bytes - got.size()));
        got.append(piece->begin(), piece->end());
      }
      CHECK((got == content));
      CHECK(reader->next()->empty());
    }
  }
}

TEST_CASE("reading can end before the file does") {
  temporary_folder dir;
  write_file(dir.path() / "f", pattern(20u << 20, 1));
  start(dir.path() / "f", 4);
  auto reader = start(dir.path() / "f", 4);
  CHECK(reader->next()->size() == read_ahead::buffer_bytes);
}

TEST_CASE("an error is given, and given again") {
  temporary_folder dir;
  auto reader = start(dir.path(), 4);
  for (int i = 0; i < 3; ++i) CHECK(code_of(reader->next().error()) == errc::io_error);
}

}  // namespace et::test
