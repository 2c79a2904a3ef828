// et_config files.
#include "cli/user_config.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace et;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::input_file file{data, size};
  auto read = read_user_config(file.path());
  if (!read) {
    auto text = text_of(read.error());
    fuzz::require(text.find(file.path()) != std::string::npos, "an error names the file");
    return 0;
  }
  environment env;
  env.home = "/nowhere";
  [[maybe_unused]] auto server = resolve_server({}, {}, env, *read);
  return 0;
}
