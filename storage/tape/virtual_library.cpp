#include "storage/tape/virtual_library.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <mutex>
#include <set>
#include <tuple>

#include "storage/tape/virtual_state.hpp"

namespace et::tape {

namespace {

constexpr const char* image_suffix = ".cartridge";
constexpr const char* state_name = "library.state";
constexpr const char* lock_name = "library.lock";
constexpr size_t max_state_bytes = 1024 * 1024;
constexpr uint32_t max_cartridges = 9999;
constexpr uint32_t max_elements = 10'000;

/// What changer and drives share. All members are used under the mutex, save the constant ones.
struct shared_state {
  std::filesystem::path folder;
  unique_fd lock;
  mutable std::mutex mutex;
  library_state places;
  std::vector<bool> in_use;  ///< by number of drive: between take() and release()

  std::filesystem::path image_path(const barcode& id) const {
    return folder / (id.value + image_suffix);
  }
  caf::error save() const { return replace_file(folder / state_name, format_state(places)); }
};

using shared_state_ptr = std::shared_ptr<shared_state>;

/// The place in front of one drive.
class library_bay : public cartridge_bay {
 public:
  library_bay(shared_state_ptr shared, uint32_t number)
      : shared_(std::move(shared)), number_(number) {}

  caf::expected<content> take() override {
    std::lock_guard guard{shared_->mutex};
    const auto& id = shared_->places.drives[number_].cartridge;
    if (!id) return fail(errc::no_medium, "drive " + std::to_string(number_) + " is empty");
    shared_->in_use[number_] = true;
    return content{shared_->image_path(*id), *id, false};
  }

  void release() override {
    std::lock_guard guard{shared_->mutex};
    shared_->in_use[number_] = false;
  }

 private:
  shared_state_ptr shared_;
  uint32_t number_;
};

class virtual_changer : public changer {
 public:
  virtual_changer(shared_state_ptr shared, std::string name)
      : shared_(std::move(shared)), name_(std::move(name)) {}

  const std::string& name() const override { return name_; }

  caf::expected<std::vector<element_status>> inventory() override {
    std::lock_guard guard{shared_->mutex};
    std::vector<element_status> out;
    for (auto kind : {element_kind::slot, element_kind::drive, element_kind::import_export}) {
      uint32_t number = 0;
      for (const auto& place : shared_->places.of(kind))
        out.push_back({element{kind, number++}, place.cartridge, place.home_slot});
    }
    return out;
  }

  caf::error move(element from, element to) override {
    std::lock_guard guard{shared_->mutex};
    auto* source = shared_->places.find(from);
    auto* destination = shared_->places.find(to);
    if (!source || !destination)
      return fail(errc::invalid_argument, name_ + " has no " + to_string(source ? to : from));
    if (!source->cartridge)
      return fail(errc::no_medium, to_string(from) + " of " + name_ + " is empty");
    if (from.kind == element_kind::drive && shared_->in_use[from.number])
      return fail(errc::device_error,
                  to_string(from) + " of " + name_ + " has its cartridge loaded; unload it first");
    if (destination->cartridge)
      return fail(errc::slot_occupied,
                  to_string(to) + " of " + name_ + " holds " + destination->cartridge->value);
    auto before = std::pair{*source, *destination};
    destination->cartridge = std::move(source->cartridge);
    destination->home_slot.reset();
    if (to.kind == element_kind::drive)
      destination->home_slot =
          from.kind == element_kind::slot ? std::optional{from.number} : source->home_slot;
    *source = {};
    auto err = shared_->save();
    if (err) std::tie(*source, *destination) = before;
    return err;
  }

 private:
  shared_state_ptr shared_;
  std::string name_;
};

class folder_library : public virtual_library {
 public:
  folder_library(shared_state_ptr shared, const virtual_library_options& options,
                 std::vector<std::string> remarks)
      : shared_(std::move(shared)), changer_(shared_, options.name), remarks_(std::move(remarks)) {
    for (uint32_t i = 0; i < options.drives; ++i) {
      auto drive_options = options.drive;
      drive_options.name = "drive" + std::to_string(i);
      if (i < options.drive_bytes_per_s.size() && options.drive_bytes_per_s[i] > 0)
        drive_options.timing.read_bytes_per_s = drive_options.timing.write_bytes_per_s =
            options.drive_bytes_per_s[i];
      drives_.push_back(std::make_unique<virtual_drive>(std::make_shared<library_bay>(shared_, i),
                                                        std::move(drive_options)));
    }
  }

  tape::changer& changer() override { return changer_; }
  size_t drive_count() const override { return drives_.size(); }
  tape::drive& drive(size_t i) override { return *drives_.at(i); }
  const std::vector<std::string>& remarks() const override { return remarks_; }

  std::filesystem::path image_path(const barcode& id) const override {
    return shared_->image_path(id);
  }

  std::vector<barcode> cartridges() const override {
    std::lock_guard guard{shared_->mutex};
    std::vector<barcode> out;
    for (auto kind : {element_kind::slot, element_kind::drive, element_kind::import_export})
      for (const auto& place : shared_->places.of(kind))
        if (place.cartridge) out.push_back(*place.cartridge);
    std::sort(out.begin(), out.end());
    return out;
  }

  caf::error set_write_protected(const barcode& id, bool on) override {
    // Under the mutex, so that no drive loads the cartridge meanwhile.
    std::lock_guard guard{shared_->mutex};
    bool known = false;
    for (auto kind : {element_kind::slot, element_kind::drive, element_kind::import_export}) {
      const auto& places = shared_->places.of(kind);
      for (size_t i = 0; i < places.size(); ++i) {
        if (places[i].cartridge != id) continue;
        known = true;
        if (kind == element_kind::drive && shared_->in_use[i])
          return fail(errc::device_error, "cartridge " + id.value + " is loaded in drive " +
                                              std::to_string(i) + "; unload it first");
      }
    }
    if (!known) return fail(errc::not_found, "no cartridge " + id.value + " in the library");
    auto err = set_image_write_protected(shared_->image_path(id), on);
    auto code = code_of(err);
    if (code == errc::corrupt || code == errc::newer_version)
      return fail(errc::medium_error, text_of(err));
    return err;
  }

 private:
  shared_state_ptr shared_;
  virtual_changer changer_;
  std::vector<std::unique_ptr<virtual_drive>> drives_;
  std::vector<std::string> remarks_;
};

/// The steps of virtual_library::open().
class opener {
 public:
  opener(const std::filesystem::path& folder, const virtual_library_options& options)
      : options_(options), shared_(std::make_shared<shared_state>()) {
    shared_->folder = folder;
  }

  caf::expected<std::unique_ptr<virtual_library>> run() {
    if (auto err = check_options()) return err;
    if (auto err = lock_folder()) return err;
    if (auto err = find_images()) return err;
    if (auto err = read_state()) return err;
    if (auto err = make_cartridges()) return err;
    place_cartridges();
    if (auto err = shared_->save()) return err;
    return std::unique_ptr<virtual_library>{
        std::make_unique<folder_library>(shared_, options_, std::move(remarks_))};
  }

 private:
  barcode barcode_of(uint32_t number) const {
    char digits[16];
    std::snprintf(digits, sizeof digits, "%04u", number);
    return barcode{options_.barcode_prefix + digits + options_.barcode_suffix};
  }

  caf::error check_options() const {
    if (auto err = check(options_.drive)) return err;
    if (options_.cartridges > max_cartridges || options_.slots > max_elements ||
        options_.drives > max_elements || options_.mail_slots > max_elements)
      return fail(errc::invalid_argument,
                  "a virtual library has at most 9999 cartridges and 10000 "
                  "elements of a kind");
    if (!valid_barcode(barcode_of(1)))
      return fail(errc::invalid_argument, "barcodes like " + barcode_of(1).value +
                                              " do not have 1 to 16 characters of A-Z 0-9");
    if (options_.capacity_bytes == 0)
      return fail(errc::invalid_argument, "the capacity of a cartridge cannot be 0");
    return caf::none;
  }

  caf::error lock_folder() {
    if (auto error = make_folders(shared_->folder)) return error;
    auto fd = open_file(shared_->folder / lock_name, O_RDWR | O_CREAT);
    if (!fd) return fd.error();
    if (::flock(fd->get(), LOCK_EX | LOCK_NB) != 0)
      return fail_errno(
          "the virtual library in " + shared_->folder.string() + " is in use by another process",
          errno, errno == EWOULDBLOCK ? errc::locked : errc::io_error);
    shared_->lock = std::move(*fd);
    return caf::none;
  }

  caf::error find_images() {
    std::error_code error;
    std::filesystem::directory_iterator entry{shared_->folder, error};
    for (; !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) {
      const auto& path = entry->path();
      if (path.extension() != image_suffix) continue;
      barcode id{path.stem().string()};
      std::error_code ignored;
      if (valid_barcode(id) && entry->is_regular_file(ignored))
        images_.insert(std::move(id));
      else
        remarks_.push_back(path.string() + " is not named after a barcode; ignored");
    }
    if (error) return fail_errno("cannot list " + shared_->folder.string(), error.value());
    return caf::none;
  }

  caf::error read_state() {
    auto path = shared_->folder / state_name;
    auto text = read_small_file(path, max_state_bytes);
    if (!text && code_of(text.error()) == errc::not_found) return caf::none;
    if (!text && code_of(text.error()) != errc::invalid_argument) return text.error();
    auto lines = text ? parse_state(*text) : text.error();
    if (lines) {
      remembered_ = std::move(*lines);
      return caf::none;
    }
    if (code_of(lines.error()) == errc::newer_version)
      return with_context(lines.error(), path.string());
    // Where cartridges lie is not worth refusing service: they can go back into slots.
    auto aside = path;
    aside += ".bad";
    std::error_code error;
    std::filesystem::rename(path, aside, error);
    remarks_.push_back(text_of(lines.error()) +
                       "; all cartridges are put into slots, the file is " + "kept as " +
                       aside.string());
    return caf::none;
  }

  caf::error make_cartridges() {
    std::set<barcode> known = images_;
    for (const auto& line : remembered_) known.insert(line.cartridge);
    for (uint32_t number = 1; number <= options_.cartridges; ++number) {
      auto id = barcode_of(number);
      if (known.count(id) != 0) continue;
      if (auto err = create_image(shared_->image_path(id), {id, options_.capacity_bytes, false}))
        return with_context(err, "cannot make cartridge " + id.value);
      images_.insert(std::move(id));
    }
    return caf::none;
  }

  void place_cartridges() {
    auto& places = shared_->places;
    places.slots.resize(std::max<size_t>(options_.slots, images_.size()));
    places.drives.resize(options_.drives);
    places.mail_slots.resize(options_.mail_slots);
    shared_->in_use.resize(options_.drives);
    auto waiting = images_;
    std::vector<state_line> displaced;
    for (auto& line : remembered_) {
      if (images_.count(line.cartridge) == 0) {
        if (std::count(places.missing.begin(), places.missing.end(), line.cartridge) != 0) continue;
        remarks_.push_back("the image of cartridge " + line.cartridge.value + " is missing");
        places.missing.push_back(line.cartridge);
        continue;
      }
      auto* place = line.where ? places.find(*line.where) : nullptr;
      if (place && !place->cartridge && waiting.erase(line.cartridge) != 0)
        *place = {line.cartridge, line.home_slot};
      else
        displaced.push_back(line);
    }
    for (const auto& line : displaced) {
      auto* home = line.home_slot ? places.find({element_kind::slot, *line.home_slot}) : nullptr;
      if (home && !home->cartridge && waiting.erase(line.cartridge) != 0)
        home->cartridge = line.cartridge;
    }
    auto slot = places.slots.begin();
    for (const auto& id : waiting) {
      // There are as many slots as cartridges, so one is free for each that waits.
      while (slot->cartridge) ++slot;
      slot->cartridge = id;
    }
  }

  virtual_library_options options_;
  shared_state_ptr shared_;
  std::set<barcode> images_;
  std::vector<state_line> remembered_;
  std::vector<std::string> remarks_;
};

}  // namespace

caf::expected<std::unique_ptr<virtual_library>> virtual_library::open(
    const std::filesystem::path& folder, const virtual_library_options& options) {
  try {
    return opener{folder, options}.run();
  } catch (const std::exception& e) {
    return fail(errc::internal,
                "cannot open the virtual library in " + folder.string() + ": " + e.what());
  }
}

}  // namespace et::tape
