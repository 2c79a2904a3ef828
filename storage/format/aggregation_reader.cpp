#include "storage/format/aggregation_reader.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
#include <deque>

#include "storage/format/hashes.hpp"

namespace et {

namespace {

constexpr size_t max_about_bytes = 1024 * 1024;

struct archive_freer {
  void operator()(archive* a) const { archive_read_free(a); }
};

}  // namespace

struct aggregation_reader::implementation {
  byte_source source;
  std::unique_ptr<archive, archive_freer> tar;
  caf::error source_error;
  bool in_member = false;

  static la_ssize_t on_input(archive* a, void* self, const void** data) {
    auto& reader = *static_cast<implementation*>(self);
    try {
      auto piece = reader.source();
      if (piece) {
        *data = piece->data();
        return static_cast<la_ssize_t>(piece->size());
      }
      reader.source_error = piece.error();
    } catch (const std::exception& problem) {
      reader.source_error =
          fail(errc::internal, std::string{"the source threw: "} + problem.what());
    }
    archive_set_error(a, EIO, "the source failed");
    return -1;
  }

  caf::error failed() const {
    if (source_error) return source_error;
    auto* reason = archive_error_string(tar.get());
    return fail(errc::corrupt, std::string{"the aggregation is not a whole tar: "} +
                                   (reason ? reason : "unknown"));
  }

  caf::error open() {
    tar.reset(archive_read_new());
    auto* a = tar.get();
    if (archive_read_support_filter_none(a) != ARCHIVE_OK ||
        archive_read_support_format_tar(a) != ARCHIVE_OK ||
        archive_read_open(a, this, nullptr, on_input, nullptr) != ARCHIVE_OK)
      return failed();
    return {};
  }
};

aggregation_reader::aggregation_reader(byte_source source)
    : impl_(std::make_unique<implementation>()) {
  impl_->source = std::move(source);
}

aggregation_reader::~aggregation_reader() = default;
aggregation_reader::aggregation_reader(aggregation_reader&&) noexcept = default;
aggregation_reader& aggregation_reader::operator=(aggregation_reader&&) noexcept = default;

caf::expected<std::optional<tar_member>> aggregation_reader::next() {
  auto& r = *impl_;
  if (!r.tar)
    if (auto error = r.open()) return error;
  archive_entry* entry = nullptr;
  r.in_member = false;
  int status = archive_read_next_header(r.tar.get(), &entry);
  if (status == ARCHIVE_EOF) return std::optional<tar_member>{};
  const char* name = status == ARCHIVE_OK ? archive_entry_pathname(entry) : nullptr;
  if (!name) return r.failed();
  if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
    return fail(errc::corrupt, std::string{"member is not a regular file: "} + name);
  r.in_member = true;
  tar_member member;
  member.name = name;
  member.size_bytes = static_cast<uint64_t>(archive_entry_size(entry));
  member.offset_bytes = static_cast<uint64_t>(archive_filter_bytes(r.tar.get(), 0));
  member.mtime_s = archive_entry_mtime(entry);
  member.mode = archive_entry_perm(entry);
  member.uid = static_cast<uint32_t>(archive_entry_uid(entry));
  member.gid = static_cast<uint32_t>(archive_entry_gid(entry));
  return std::optional{std::move(member)};
}

caf::expected<std::span<const uint8_t>> aggregation_reader::read() {
  auto& r = *impl_;
  if (!r.in_member) return std::span<const uint8_t>{};
  const void* data = nullptr;
  size_t size = 0;
  la_int64_t offset = 0;
  int status = archive_read_data_block(r.tar.get(), &data, &size, &offset);
  if (status == ARCHIVE_OK)
    return std::span<const uint8_t>{static_cast<const uint8_t*>(data), size};
  r.in_member = false;
  if (status == ARCHIVE_EOF) return std::span<const uint8_t>{};
  return r.failed();
}

caf::expected<std::string> aggregation_reader::read_all(size_t limit_bytes) {
  std::string text;
  for (;;) {
    auto piece = read();
    if (!piece) return piece.error();
    if (piece->empty()) return text;
    if (piece->size() > limit_bytes - text.size())
      return fail(errc::corrupt, "a member exceeds " + std::to_string(limit_bytes) + " bytes");
    text.append(reinterpret_cast<const char*>(piece->data()), piece->size());
  }
}

namespace {

caf::expected<aggregation_about> first_member(aggregation_reader& reader) {
  auto member = reader.next();
  if (!member) return member.error();
  if (!*member || !(*member)->name.starts_with(".elastictape/") ||
      !(*member)->name.ends_with("/about.json"))
    return fail(errc::corrupt, "the first member does not describe an aggregation");
  auto text = reader.read_all(max_about_bytes);
  if (!text) return text.error();
  auto about = parse_about(*text);
  if (about && (*member)->name != about_folder(about->id) + "about.json")
    return fail(errc::corrupt, "about.json lies in the folder of another aggregation");
  return about;
}

// A member that was read, until the manifest tells what it should have been.
struct seen_member {
  std::string name;
  uint64_t size_bytes = 0;
  uint64_t offset_bytes = 0;
  file_checksum checksum;
};

// Compares the manifest's entries with the members, both in the order of the tar.
class manifest_check {
 public:
  manifest_check(std::deque<seen_member>& seen, aggregation_contents& contents,
                 const manifest_visitor& visit)
      : seen_(seen), contents_(contents), visit_(visit) {}

  bool take(manifest_entry&& entry) {
    auto name = std::string_view{entry.file.path}.substr(1);
    while (!seen_.empty() && seen_.front().name != name) skip_unlisted();
    if (seen_.empty()) return refuse(entry, "is not a member in this order");
    if (seen_.front().size_bytes != entry.file.size_bytes) return refuse(entry, "has another size");
    if (seen_.front().offset_bytes != entry.offset_bytes)
      return refuse(entry, "lies at another offset");
    if (seen_.front().checksum != entry.checksum) return refuse(entry, "has another checksum");
    seen_.pop_front();
    ++contents_.files;
    contents_.content_bytes += entry.file.size_bytes;
    if (!visit_) return true;
    if (auto error = visit_(std::move(entry))) error_ = error;
    return !error_;
  }

  caf::error finish() {
    while (!error_ && !seen_.empty()) skip_unlisted();
    return error_;
  }

 private:
  void skip_unlisted() {
    seen_.pop_front();
    ++contents_.unlisted_files;
  }
  bool refuse(const manifest_entry& entry, const char* what) {
    error_ = fail(errc::corrupt, "listed file " + entry.file.path + " " + what);
    return false;
  }

  std::deque<seen_member>& seen_;
  aggregation_contents& contents_;
  const manifest_visitor& visit_;
  caf::error error_;
};

caf::error each_piece(aggregation_reader& reader,
                      const std::function<caf::error(std::span<const uint8_t>)>& take) {
  for (;;) {
    auto piece = reader.read();
    if (!piece) return piece.error();
    if (piece->empty()) return {};
    if (auto error = take(*piece)) return error;
  }
}

}  // namespace

caf::expected<aggregation_about> read_about(byte_source source) {
  aggregation_reader reader{std::move(source)};
  return first_member(reader);
}

caf::expected<aggregation_contents> verify_aggregation(byte_source source, manifest_visitor visit) {
  aggregation_reader reader{std::move(source)};
  auto about = first_member(reader);
  if (!about) return about.error();
  aggregation_contents contents;
  contents.about = std::move(*about);
  const auto manifest_name = about_folder(contents.about.id) + "manifest.tsv";
  std::deque<seen_member> seen;
  file_hasher hasher;
  for (;;) {
    auto member = reader.next();
    if (!member) return member.error();
    if (!*member) return fail(errc::corrupt, "the aggregation has no manifest");
    if ((*member)->name == manifest_name) break;
    hasher.reset();
    if (auto error = each_piece(reader, [&](auto piece) {
          hasher.update(piece);
          return caf::error{};
        }))
      return error;
    seen.push_back({std::move((*member)->name), (*member)->size_bytes, (*member)->offset_bytes,
                    hasher.checksum()});
  }
  manifest_check check{seen, contents, visit};
  manifest_parser parser{[&](manifest_entry&& entry) { return check.take(std::move(entry)); }};
  if (auto error = each_piece(reader, [&](auto piece) {
        return parser.feed({reinterpret_cast<const char*>(piece.data()), piece.size()});
      }))
    return error;
  if (auto error = parser.finish()) return error;
  if (auto error = check.finish()) return error;
  auto behind = reader.next();
  if (!behind) return behind.error();
  if (*behind) return fail(errc::corrupt, "there is a member behind the manifest");
  return contents;
}

}  // namespace et
