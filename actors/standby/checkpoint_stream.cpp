#include <fcntl.h>

#include "actors/standby/catalogue_shipper.hpp"

namespace et {

checkpoint_stream::~checkpoint_stream() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

caf::expected<bytes> checkpoint_stream::read(size_t limit) {
  bytes data;
  while (data.size() < limit && at_ < files_.size()) {
    auto& file = files_[at_];
    auto wanted = std::min<uint64_t>(limit - data.size(), file.size_bytes - offset_);
    if (wanted > 0 && !file_) {
      auto opened = open_file(folder_ / file.name, O_RDONLY);
      if (!opened) return opened.error();
      file_ = std::move(*opened);
    }
    auto begin = data.size();
    data.resize(begin + wanted);
    if (wanted > 0) {
      auto got = read_at(file_.get(), data.data() + begin, wanted, offset_);
      if (!got) return with_context(got.error(), file.name);
      if (*got != wanted)
        return fail(errc::corrupt, "file " + file.name + " of a checkpoint became shorter");
    }
    offset_ += wanted;
    if (offset_ < file.size_bytes) continue;
    file_.reset();
    offset_ = 0;
    ++at_;
  }
  return data;
}

}  // namespace et
