#include "cli/commands/export.hpp"

#include <poll.h>
#include <unistd.h>

#include "storage/format/export.hpp"
#include "storage/tape/virtual_drive.hpp"

namespace et {

namespace {

// Whether nobody reads standard output any more.
bool reader_has_gone() {
  pollfd out{STDOUT_FILENO, POLLOUT, 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

void append_entry(std::string& text, const volume_entry& entry, bool json) {
  if (json) {
    json_object line{text};
    line.add("aggregation", to_string(entry.id)).add("sequence", entry.sequence);
    line.add("volume", entry.copy.volume.value).add("header_block", entry.copy.header.value);
    line.add("data_block", entry.copy.data.value).add("bytes", entry.size_bytes);
    line.add("written", time_text(entry.copy.written_ns)).close();
  } else {
    text += std::to_string(entry.sequence) + '\t' + to_string(entry.id) + '\t' +
            std::to_string(entry.copy.header.value) + '\t' + std::to_string(entry.size_bytes) +
            '\t' + time_text(entry.copy.written_ns);
  }
  text += '\n';
}

}  // namespace

int run_export(const export_options& options, command_context& context) {
  auto drive = tape::open_cartridge_image(options.image, true);
  if (!drive) return end_with(context, drive.error());
  if (!options.aggregation.empty()) {
    if (isatty(STDOUT_FILENO) == 1) {
      context.report.error("standard output is a terminal; send the tar to a file or to 'tar x'");
      return exit_parameters;
    }
    auto error = export_aggregation(**drive, options.aggregation, STDOUT_FILENO);
    if (error && reader_has_gone()) return exit_interrupted;
    return error ? end_with(context, error) : exit_ok;
  }
  auto entries = list_volume(**drive);
  if (!entries) return end_with(context, entries.error());
  for (const auto& entry : *entries) {
    append_entry(context.out.text(), entry, options.json);
    if (!context.out.commit()) break;
  }
  return finish_output(context, exit_ok);
}

}  // namespace et
