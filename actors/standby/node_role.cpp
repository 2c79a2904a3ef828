#include "actors/standby/node_role.hpp"

#include <charconv>
#include <ctime>

#include "storage/catalogue/alert_text.hpp"
#include "storage/os/file.hpp"
#include "storage/printable.hpp"

namespace et {

namespace fs = std::filesystem;

namespace {

constexpr size_t max_small_file_bytes = 1024;
/// A node's name in an epoch file.
constexpr size_t max_node_bytes = 255;

/// `NUMBER SINCE_NS NODE` and a line feed.
std::string encode(const epoch_record& record) {
  return std::to_string(record.epoch) + " " + std::to_string(record.since_ns) + " " + record.node +
         "\n";
}

template <class T>
bool take_number(std::string_view& text, T& value) {
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end == text.data() + text.size() || *end != ' ') return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return true;
}

bool decode(std::string_view text, epoch_record& record) {
  if (!take_number(text, record.epoch) || !take_number(text, record.since_ns)) return false;
  if (text.empty() || text.back() != '\n') return false;
  text.remove_suffix(1);
  record.node = text;
  return text.size() <= max_node_bytes && text.find('\n') == std::string_view::npos;
}

std::string since(const epoch_record& record) {
  return "node " + printable(record.node) + " is the head since " + local_time(record.since_ns) +
         " (epoch " + std::to_string(record.epoch) + ")";
}

}  // namespace

caf::expected<epoch_file> epoch_file::open(const fs::path& path) {
  auto text = read_small_file(path, max_small_file_bytes);
  if (!text && code_of(text.error()) == errc::not_found) return epoch_file{path, {}};
  if (!text) return text.error();
  epoch_record known;
  if (!decode(*text, known))
    return fail(errc::corrupt, path.string() + " does not hold an epoch, a time and a node's name");
  return epoch_file{path, known};
}

caf::error epoch_file::remember(const epoch_record& seen) {
  if (seen.epoch <= known_.epoch) return {};
  if (seen.node.size() > max_node_bytes || seen.node.find('\n') != std::string::npos)
    return fail(errc::protocol, "an epoch names no node");
  // The standby's part and its links' part of a process know the same file.
  if (auto now = open(path_); now && now->known_.epoch >= seen.epoch) {
    known_ = now->known_;
    return {};
  }
  if (auto error = replace_file(path_, encode(seen))) return error;
  known_ = seen;
  return {};
}

caf::error epoch_file::accept_head(const std::string& node, const epoch_record& claimed) {
  if (claimed.epoch < known_.epoch)
    return fail(errc::not_authorised, "node " + node + " was the head before: " + since(known_));
  return remember(claimed);
}

caf::error check_fenced(const std::string& node, const epoch_record& mine,
                        const epoch_record& known) {
  if (known.epoch <= mine.epoch) return {};
  return fail(errc::unavailable,
              "fenced: " + since(known) + "; this node, " + node +
                  ", stops; to make it a standby, configure it so or start it once with "
                  "`elastictape serve --rejoin-as-standby`");
}

caf::expected<node_role> read_role(const fs::path& state) {
  auto text = read_small_file(state / "role", max_small_file_bytes);
  if (!text && code_of(text.error()) == errc::not_found) return node_role::none;
  if (!text) return text.error();
  if (*text == "head\n") return node_role::head;
  if (*text == "standby\n") return node_role::standby;
  return fail(errc::corrupt, (state / "role").string() + " holds neither `head` nor `standby`");
}

caf::error write_role(const fs::path& state, node_role role) {
  return replace_file(state / "role", role == node_role::standby ? "standby\n" : "head\n");
}

caf::expected<epoch_record> promote_copy(const fs::path& state,
                                         const catalogue_store::options& options,
                                         const std::string& node, epoch_file& epochs) {
  auto store = catalogue_store::open((state / "catalogue").string(), options);
  if (!store) return with_context(store.error(), "promotion");
  auto now = (*store)->log().epoch();
  if (!now) return now.error();
  epoch_record next;
  next.epoch = std::max(now->epoch, epochs.known().epoch) + 1;
  next.node = node;
  next.since_ns = options.clock->now_ns();
  alert_record told;
  told.level = severity::warning;
  told.text =
      "node " + node + " was promoted: it is the head now, in epoch " + std::to_string(next.epoch);
  if (auto error = (*store)->log().raise_epoch(next)) return error;
  if (auto added = (*store)->add_alert(std::move(told)); !added) return added.error();
  store->reset();
  if (auto error = epochs.remember(next)) return error;
  if (auto error = write_role(state, node_role::head)) return error;
  return next;
}

fs::path kept_catalogue(const fs::path& state, int64_t now_ns) {
  auto seconds = static_cast<std::time_t>(now_ns / 1'000'000'000);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &parts);
  auto path = state / (std::string{"catalogue.kept-"} + text);
  auto result = path;
  std::error_code ignored;
  for (int i = 2; fs::exists(result, ignored); ++i)
    result = path.string() + "-" + std::to_string(i);
  return result;
}

}  // namespace et
