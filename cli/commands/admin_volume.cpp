// elastictape admin volume: what the cartridges are used for.
#include "cli/commands/admin.hpp"

namespace et {

namespace {

void append_volume(std::string& text, const volume_record& volume, bool json) {
  if (json) {
    json_object line{text};
    line.add("volume", volume.id.value).add("status", to_string(volume.status));
    line.add("pool", volume.pool).add("aggregations", volume.aggregations);
    line.add("written", volume.written_bytes).add("capacity", volume.capacity_bytes).close();
    text += '\n';
    return;
  }
  text += printable(volume.id.value) + ' ' + to_string(volume.status);
  if (!volume.pool.empty()) text += ' ' + printable(volume.pool);
  text += ": " + std::to_string(volume.aggregations) + " aggregations, " +
          human_bytes(volume.written_bytes);
  if (volume.capacity_bytes > 0) text += " of " + human_bytes(volume.capacity_bytes);
  text += '\n';
}

int list(const admin_volume_options& options, service_api& service, command_context& context) {
  barcode after;
  for (;;) {
    auto page = service.volumes(after);
    if (!page) return end_with(context, page.error());
    for (const auto& one : *page) append_volume(context.out.text(), one, options.json);
    if (page->empty() || !(after < page->back().id)) break;
    after = page->back().id;
    if (!context.out.commit()) break;
  }
  return finish_output(context, exit_ok);
}

}  // namespace

int run_admin_volume(const admin_volume_options& options, command_context& context) {
  auto service = context.connect();
  if (!service) return end_with(context, service.error());
  if (options.id.empty()) return list(options, **service, context);
  auto now = (*service)->set_volume(barcode{options.id}, options.status);
  if (!now) return end_with(context, now.error());
  context.report.note("volume " + printable(now->id.value) + " is " + to_string(now->status));
  if (options.json) append_volume(context.out.text(), *now, true);
  return finish_output(context, exit_ok);
}

}  // namespace et
