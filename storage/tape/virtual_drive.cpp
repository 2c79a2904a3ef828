#include "storage/tape/virtual_drive.hpp"

#include <algorithm>
#include <utility>

namespace et::tape {

namespace {

constexpr uint64_t min_reserve_bytes = 4 * 1024 * 1024;

uint64_t reserve_of(const virtual_drive_options& options, uint64_t capacity_bytes) {
  auto wanted =
      options.early_warning_bytes.value_or(std::max(capacity_bytes / 100, min_reserve_bytes));
  return std::min(wanted, capacity_bytes / 2);
}

/// The bay of a drive that only ever holds one image.
class single_bay : public cartridge_bay {
 public:
  explicit single_bay(content only) : only_(std::move(only)) {}
  caf::expected<content> take() override { return only_; }
  void release() override {}

 private:
  content only_;
};

}  // namespace

caf::error check(const virtual_drive_options& options) {
  const auto& timing = options.timing;
  bool slow = timing.read_bytes_per_s != 0 || timing.write_bytes_per_s != 0 ||
              timing.load_time.count() != 0 || timing.locate_time.count() != 0;
  if (slow && !timing.delay)
    return fail(errc::invalid_argument, "a virtual drive with speed limits needs a delay function");
  if (timing.load_time.count() < 0 || timing.locate_time.count() < 0)
    return fail(errc::invalid_argument, "times of a virtual drive cannot be negative");
  if (options.max_block_bytes == 0)
    return fail(errc::invalid_argument, "the largest block of a virtual drive cannot be empty");
  return caf::none;
}

virtual_drive::virtual_drive(std::shared_ptr<cartridge_bay> bay, virtual_drive_options options)
    : bay_(std::move(bay)), options_(std::move(options)) {}

virtual_drive::~virtual_drive() {
  (void)unload();
}

caf::error virtual_drive::load() {
  if (loaded() && !image_->in_doubt()) {
    move_to(0);
    return caf::none;
  }
  // In doubt: only what the disk holds counts, so look at it as at a new cartridge.
  if (loaded()) {
    image_.reset();
    bay_->release();
  }
  auto content = bay_->take();
  if (!content) return content.error();
  if (auto err = open_content(*content)) {
    image_.reset();
    bay_->release();
    return fail(errc::medium_error, text_of(err));
  }
  owed_ += options_.timing.load_time;
  pay();
  return caf::none;
}

caf::error virtual_drive::open_content(const cartridge_bay::content& content) {
  auto image = open_image::open(content.image, content.read_only);
  if (!image) return image.error();
  const auto& header = (*image)->header();
  if (content.id && header.id != *content.id)
    return fail(errc::corrupt, content.image.string() + " is the image of " + header.id.value);
  use(std::move(*image), content.read_only);
  return caf::none;
}

void virtual_drive::use(std::unique_ptr<open_image> image, bool read_only) {
  image_ = std::move(image);
  write_protected_ = image_->header().write_protected || read_only;
  reserve_bytes_ = reserve_of(options_, image_->header().capacity_bytes);
  position_ = 0;
}

caf::error virtual_drive::unload() {
  if (!loaded()) return caf::none;
  caf::error result;
  if (image_->in_doubt())
    result = fail(errc::medium_error, "writes since the last good flush are in doubt");
  else
    result = image_->sync();
  pay();
  image_.reset();
  position_ = 0;
  bay_->release();
  return result;
}

caf::error virtual_drive::no_medium() const {
  return fail(errc::no_medium, "no cartridge is loaded in " + options_.name);
}

uint64_t virtual_drive::remaining_bytes(uint64_t number) const {
  auto used = image_->index().data_bytes_before(number);
  auto capacity = image_->header().capacity_bytes;
  return capacity - std::min(used, capacity);
}

caf::expected<medium_info> virtual_drive::medium() {
  if (!loaded()) return no_medium();
  return medium_info{image_->header().capacity_bytes, remaining_bytes(image_->index().records()),
                     write_protected_};
}

caf::expected<read_result> virtual_drive::read(std::span<uint8_t> buffer) {
  if (!loaded()) return no_medium();
  auto place = image_->index().find(position_);
  if (!place) return read_result{read_kind::end_of_data, 0};
  if (place->data_bytes > buffer.size())
    return fail(errc::invalid_argument, "a block of " + std::to_string(place->data_bytes) +
                                            " bytes does not fit into a buffer of " +
                                            std::to_string(buffer.size()));
  auto number = position_++;
  owe(record_header_bytes + place->data_bytes, options_.timing.read_bytes_per_s);
  if (place->data_bytes == 0) {
    if (auto err = image_->check_filemark(number)) return err;
    return read_result{read_kind::filemark, 0};
  }
  if (auto err = image_->read_block(number, buffer)) return err;
  return read_result{read_kind::block, place->data_bytes};
}

caf::error virtual_drive::make_writable() {
  if (write_protected_)
    return fail(errc::write_protected,
                "cartridge " + image_->header().id.value + " is write protected");
  if (image_->in_doubt()) return image_->sync();
  return image_->truncate(position_);
}

write_result virtual_drive::result() const {
  return write_result{remaining_bytes(position_) < reserve_bytes_};
}

caf::expected<write_result> virtual_drive::write(std::span<const uint8_t> block) {
  if (!loaded()) return no_medium();
  if (block.empty() || block.size() > options_.max_block_bytes)
    return fail(errc::invalid_argument, "a block has 1 to " +
                                            std::to_string(options_.max_block_bytes) +
                                            " bytes, not " + std::to_string(block.size()));
  // Protection comes before capacity, as on a real drive, and both before anything is cut off.
  if (!write_protected_ && block.size() > remaining_bytes(position_))
    return fail(errc::medium_full, "cartridge " + image_->header().id.value + " is full");
  if (auto err = make_writable()) return err;
  if (auto err = image_->append_block(block)) return err;
  ++position_;
  owe(record_header_bytes + block.size(), options_.timing.write_bytes_per_s);
  return result();
}

caf::expected<write_result> virtual_drive::write_filemarks(uint32_t count, bool flush) {
  if (!loaded()) return no_medium();
  if (count > 0) {
    if (auto err = make_writable()) return err;
    if (auto err = image_->append_filemarks(count)) return err;
    position_ += count;
  }
  if (flush) {
    if (auto err = image_->sync()) return err;
    pay();
  }
  return result();
}

caf::error virtual_drive::locate(block_address address) {
  if (!loaded()) return no_medium();
  auto end = image_->index().records();
  move_to(std::min(address.value, end));
  if (address.value <= end) return caf::none;
  return fail(errc::wrong_position, "block " + std::to_string(address.value) +
                                        " lies behind the end of data at " + std::to_string(end));
}

caf::error virtual_drive::locate_end_of_data() {
  if (!loaded()) return no_medium();
  move_to(image_->index().records());
  return caf::none;
}

caf::expected<block_address> virtual_drive::position() {
  if (!loaded()) return no_medium();
  return block_address{position_};
}

void virtual_drive::move_to(uint64_t number) {
  if (number == position_) return;
  position_ = number;
  owed_ += options_.timing.locate_time;
  pay();
}

void virtual_drive::owe(uint64_t bytes, uint64_t bytes_per_s) {
  if (bytes_per_s == 0) return;
  // 4 GiB of bytes times a second in nanoseconds still fit.
  owed_ += std::chrono::nanoseconds{static_cast<int64_t>(bytes * 1'000'000'000 / bytes_per_s)};
  if (owed_ >= virtual_timing::max_owed) pay();
}

void virtual_drive::pay() {
  if (owed_.count() <= 0) return;
  auto time = std::exchange(owed_, {});
  options_.timing.delay(time);
}

caf::expected<std::unique_ptr<drive>> open_cartridge_image(const std::filesystem::path& path,
                                                           bool read_only) {
  virtual_drive_options options;
  options.name = path.filename().string();
  // Not by load(), which has to turn every error into medium_error.
  auto image = open_image::open(path, read_only);
  if (!image) return image.error();
  auto bay = std::make_shared<single_bay>(cartridge_bay::content{path, std::nullopt, read_only});
  auto opened = std::make_unique<virtual_drive>(std::move(bay), std::move(options));
  opened->use(std::move(*image), read_only);
  return std::unique_ptr<drive>{std::move(opened)};
}

}  // namespace et::tape
