// List files of put and get.
#include "cli/list_file.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace et;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::input_file file{data, size};
  line_reader lines{file.fd()};
  std::string line;
  std::string path;
  std::string joined;
  uint64_t count = 0;
  while (lines.next(line)) {
    fuzz::require(lines.number() == ++count, "lines are numbered from 1");
    fuzz::require(line.size() <= line_reader::max_line_bytes + 1, "a line has its bound");
    joined += line;
    joined += '\n';
    if (!check_line(line, path).empty()) continue;
    fuzz::require(!path.empty() && path.front() == '/', "an accepted line is an absolute path");
    fuzz::require(path.find("//") == std::string::npos && path.find("/./") == std::string::npos,
                  "an accepted path is plain");
    auto second = path;
    fuzz::require(make_plain(second) && second == path, "a plain path is left as it is");
  }
  fuzz::require(!lines.error(), "a file in memory can be read");
  auto text = fuzz::text_of_input(data, size);
  if (size < line_reader::max_line_bytes && (text.empty() || text.back() == '\n'))
    fuzz::require(joined == text, "the lines are the file");
  return 0;
}
