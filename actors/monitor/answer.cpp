#include "actors/monitor/answer.hpp"

#include <spdlog/spdlog.h>

#include "actors/defaults.hpp"
#include "actors/monitor/api/api.hpp"
#include "actors/monitor/dashboard/dashboard_pages.hpp"
#include "actors/monitor/markup.hpp"
#include "actors/monitor/pages/pages.hpp"
#include "actors/monitor/server/answer_watch.hpp"

namespace et::monitor {

namespace {

using page = caf::expected<answer> (*)(const page_context&, const query&);

struct route {
  std::string_view path;
  page make;
};

constexpr route routes[] = {
    {"/", dashboard_overview},
    {"/workspaces", dashboard_workspaces},
    {"/volumes", dashboard_volumes},
    {"/alerts", dashboard_alerts},
    {"/et_user/", home},
    {"/et_user/ET_Home.php", home},
    {"/et_user/ET_AlertWatch.php", alert_watch},
    {"/et_user/ET_Holdings_Summary.php", holdings_summary},
    {"/et_user/ET_Holdings_Summary_XML.php", holdings_xml},
    {"/et_user/ET_Batch_Input_Summary.php", batch_summary},
    {"/et_user/ET_Batch_Input_File_Details.php", batch_files},
    {"/et_user/ET_Aggregation_File_Details.php", aggregation_details},
    {"/et_user/RetrievalWatch.php", retrieval_watch},
    {"/et_admin/ET_WkspaceOverview-XML.php", workspace_overview},
    {"/et_admin/ET_Role_List.php", role_list},
    {"/gws/etexport", manager_export},
    {"/gws/etexport/", manager_export},
    {"/et_rss/ET_RSS_AlertWatch_atom.php", atom_feed},
    {"/et_rss/ET_RSS_AlertWatch.php", rss_feed},
    {"/metrics", metrics_page},
    {"/healthz", healthz},
    {"/readyz", readyz},
};

/// What the path begins with; the page reads the rest.
constexpr route families[] = {
    {"/workspace/", dashboard_workspace}, {"/batch/", dashboard_batch},
    {"/volume/", dashboard_volume},       {"/drive/", dashboard_drive},
    {"/retrieval/", dashboard_retrieval}, {"/assets/", dashboard_asset},
};

/// Null: there is none.
const route* route_of(std::string_view path) {
  for (const auto& one : routes)
    if (path == one.path) return &one;
  for (const auto& one : families)
    if (path.starts_with(one.path)) return &one;
  return nullptr;
}

}  // namespace

const char* words_of(int status) {
  switch (status) {
    case 400:
      return "400 Bad request";
    case 401:
      return "401 Login needed";
    case 404:
      return "404 Not found";
    case 405:
      return "405 Method not allowed";
    case 503:
      return "503 Not available";
    default:
      return "500 Failed";
  }
}

int status_of(const caf::error& error) {
  switch (code_of(error)) {
    case errc::invalid_argument:
      return 400;
    case errc::not_found:
      return 404;
    case errc::not_authorised:
      return 405;
    case errc::timeout:
    case errc::unavailable:
    case errc::limit_reached:
      return 503;
    default:
      return 500;
  }
}

piece_writer once(std::function<void(std::string&)> write) {
  return [write = std::move(write)](std::string& out) -> caf::expected<bool> {
    write(out);
    return false;
  };
}

piece_writer in_order(std::vector<piece_writer> parts) {
  return
      [parts = std::move(parts), at = size_t{0}](std::string& out) mutable -> caf::expected<bool> {
        while (at < parts.size() && out.size() < defaults::monitor_piece_bytes) {
          auto more = parts[at](out);
          if (!more) return more;
          if (!*more) parts[at++] = nullptr;
        }
        return at < parts.size();
      };
}

answer error_page(const caf::error& error) {
  answer result;
  result.status = status_of(error);
  auto text = text_of(error);
  if (result.status == 500) {
    spdlog::error("monitor: {}", text);
    text = "the page cannot be made; the service's log tells why";
  }
  result.next = once([status = result.status, text](std::string& out) {
    begin_page(out, words_of(status));
    markup{out}.leaf("p", text);
    end_page(out);
  });
  return result;
}

answer error_for(std::string_view target, const caf::error& error) {
  return target.starts_with(api_root) ? problem(error) : error_page(error);
}

answer answer_to(const page_context& context, std::string_view target, viewer who) {
  answer_watch watch{context.measures};
  auto asked = query::parse(target);
  if (!asked) return watch.over(error_for(target, asked.error()));
  asked->set_viewer(std::move(who));
  if (asked->path().starts_with(api_root)) {
    watch.set_route(api_route(asked->path()));
    return watch.over(api_answer(context, *asked));
  }
  const auto* found = route_of(asked->path());
  if (!found)
    return watch.over(error_page(fail(errc::not_found, "there is no page " + asked->path())));
  watch.set_route(found->path);
  auto made = found->make(context, *asked);
  return watch.over(made ? std::move(*made) : error_page(made.error()));
}

}  // namespace et::monitor
