#include "cli/command_definitions.hpp"

#include <limits>
#include <map>

#include "cli/command_options.hpp"

namespace et {

namespace {

void format_option(CLI::App& app, ls_format& format) {
  const std::map<std::string, ls_format> formats{
      {"text", ls_format::text}, {"json", ls_format::json}, {"csv", ls_format::csv}};
  last(app.add_option_function<std::string>(
           "-F,--outputFormat",
           [&format, formats](const std::string& word) { format = formats.at(word); },
           "form of the output: text, json or csv; default text"))
      ->check(CLI::IsMember({"text", "json", "csv"}))
      ->type_name("FORMAT");
}

CLI::Option* retrieval_option(CLI::App& app, retrieval_id& value, const char* help) {
  return number(
      app, "-r,--retrieval", [&value](uint64_t id) { value = retrieval_id{id}; }, 1,
      std::numeric_limits<uint64_t>::max(), help, "RETRIEVAL");
}

void request_option(CLI::App& app, std::string& value) {
  text(app, "--request-id", value,
       "32 hexadecimal digits that name this put: asked for again, it never becomes a second batch",
       "ID");
}

void define_put(CLI::App& app, command_line& line) {
  auto& options = line.put;
  log_options(app, line);
  workspace_option(app, line);
  flag(app, "-c,--continue", options.skip_bad, "leave bad files out instead of rejecting all");
  flag(app, "--update", options.only_changed,
       "take only files that are new, or whose size or time changed since they were put");
  text(app, "-t,--tag", options.tag, "a word to know the batch by", "TAG")
      ->check([](const std::string& tag) {
        return tag.empty() ? std::string{"the tag must be one word"} : std::string{};
      });
  auto* list = text(app, "-f,--listfile", options.list_file,
                    "file with one absolute path a line; - for standard input", "LISTFILE");
  flag(app, "--wait", options.wait, "stay until the batch is safe on tape");
  flag(app, "--json", options.json, "print the result as JSON");
  request_option(app, options.request_id);
  server_options(app, line);
  auto* folder = text(app, "DIR", options.folder, "folder whose files are put; absolute", "");
  app.final_callback([&line, list, folder] {
    if (list->count() + folder->count() == 0) throw CLI::RequiredError("-f LISTFILE or DIR");
    if (list->count() > 0 && folder->count() > 0) throw CLI::ExcludesError("-f LISTFILE", "DIR");
    line.what = command::put;
  });
}

void define_get(CLI::App& app, command_line& line) {
  auto& options = line.get;
  log_options(app, line);
  auto* batch = batch_option(app, "-b,--batch", options.batch, "batch to get, or to look in");
  auto* list = text(app, "-f,--filelist", options.list_file,
                    "file with one original path a line; - for standard input", "FILELIST");
  workspace_option(app, line);
  text(app, "-r,--target", options.folder, "folder to write to; absolute, must exist", "DIR")
      ->required();
  number(
      app, "-t,--maxproc", [&](uint64_t n) { options.streams = static_cast<unsigned>(n); }, 1, 48,
      "parallel streams, 1 to 48; default 5", "MAXPROC");
  flag(app, "--overwrite", options.overwrite, "replace existing files that differ");
  server_options(app, line);
  app.final_callback([&line, batch, list] {
    if (batch->count() + list->count() == 0) throw CLI::RequiredError("-b BATCH or -f FILELIST");
    line.what = command::get;
  });
}

void define_rm(CLI::App& app, command_line& line) {
  flag(app, "-v,--verbose", line.verbose, "say more");
  batch_option(app, "-b,--batch", line.rm.batch, "batch to remove")->required();
  workspace_option(app, line);
  server_options(app, line);
  app.final_callback([&line] { line.what = command::rm; });
}

void define_ls(CLI::App& app, command_line& line) {
  auto& options = line.ls;
  text(app, "-x,-X,--xmlsource", options.xml_source, "read the holdings from this monitor instead",
       "URL");
  flag(app, "-H,--headerWanted", options.header, "begin with a header line");
  batch_option(app, "-b,--batchid", options.batch, "only this batch");
  workspace_option(app, line);
  text(app, "-L,--outputLevel", line.level, "what to list: file, batch or workspace; default batch",
       "LEVEL")
      ->check(CLI::IsMember({"file", "batch", "workspace"}));
  format_option(app, options.format);
  server_options(app, line);
  app.final_callback([&line] { line.what = command::ls; });
}

void define_status(CLI::App& app, command_line& line) {
  auto& options = line.status;
  flag(app, "-v,--verbose", line.verbose, "every aggregation");
  auto* batch = batch_option(app, "-b,--batch", options.batch, "this batch; default: all");
  auto* retrieval = retrieval_option(app, options.retrieval, "this retrieval");
  workspace_option(app, line);
  flag(app, "--wait", options.wait, "wait until it is safe, or has failed");
  flag(app, "--json", options.json, "one JSON object a line");
  server_options(app, line);
  app.final_callback([&line, batch, retrieval] {
    if (batch->count() > 0 && retrieval->count() > 0) throw CLI::ExcludesError("-b", "-r");
    line.what = command::status;
  });
}

void define_find(CLI::App& app, command_line& line) {
  auto& options = line.find;
  text(app, "PATTERN", options.pattern, "glob on the original path; * also matches slashes", "")
      ->required();
  batch_option(app, "-b,--batch", options.batch, "only in this batch");
  workspace_option(app, line);
  flag(app, "-H,--headerWanted", options.header, "begin with a header line");
  format_option(app, options.format);
  server_options(app, line);
  app.final_callback([&line] { line.what = command::find; });
}

void define_cancel(CLI::App& app, command_line& line) {
  auto& options = line.cancel;
  auto* batch = batch_option(app, "-b,--batch", options.batch, "batch to give up");
  auto* retrieval = retrieval_option(app, options.retrieval, "retrieval to end");
  workspace_option(app, line);
  server_options(app, line);
  app.final_callback([&line, batch, retrieval] {
    if (batch->count() + retrieval->count() == 0)
      throw CLI::RequiredError("-b BATCH or -r RETRIEVAL");
    if (batch->count() > 0 && retrieval->count() > 0) throw CLI::ExcludesError("-b", "-r");
    line.what = command::cancel;
  });
}

void define_retry(CLI::App& app, command_line& line) {
  auto& options = line.put;
  log_options(app, line);
  batch_option(app, "-b,--batch", options.retry, "batch whose failed files are put again")
      ->required();
  workspace_option(app, line);
  flag(app, "-c,--continue", options.skip_bad, "leave bad files out instead of rejecting all");
  flag(app, "--wait", options.wait, "stay until the new batch is safe on tape");
  flag(app, "--json", options.json, "print the result as JSON");
  request_option(app, options.request_id);
  server_options(app, line);
  app.final_callback([&line] { line.what = command::retry; });
}

void define_release(CLI::App& app, command_line& line) {
  auto& options = line.release;
  log_options(app, line);
  batch_option(app, "-b,--batch", options.batch, "batch whose source files are deleted")
      ->required();
  workspace_option(app, line);
  flag(app, "--dry-run", options.dry_run, "only print what would be deleted");
  flag(app, "--json", options.json, "print the summary as JSON");
  server_options(app, line);
  app.final_callback([&line] { line.what = command::release; });
}

void define_serve(CLI::App& app, command_line& line) {
  auto& options = line.serve;
  text(app, "--config", options.config_file, "configuration (TOML); default: embedded", "FILE");
  text(app, "--state", options.state, "folder of everything the service keeps", "DIR");
  text(app, "--listen", options.listen, "command socket: unix:/PATH or HOST:PORT", "ADDRESS");
  text(app, "--http", options.http,
       "monitor; others than this machine need TLS and logins, as configured; port 0 picks a "
       "free one; off: none",
       "HOST:PORT");
  text(app, "--join", options.join, "head of a cluster to get a certificate from, with --token",
       "HOST:PORT");
  text(app, "--token", options.token, "from 'elastictape admin cluster token'", "TOKEN");
  flag(app, "--rejoin-as-standby", options.rejoin_as_standby,
       "this former head becomes the standby of the new one; its catalogue is kept aside");
  app.final_callback([&line] { line.what = command::serve; });
}

void define_export(CLI::App& app, command_line& line) {
  auto& options = line.exporting;
  text(app, "IMAGE", options.image, "cartridge image", "")->required();
  text(app, "AGGREGATION", options.aggregation,
       "BATCH.NUMBER or sequence number: its tar goes to standard output; default: list", "");
  flag(app, "--json", options.json, "the list as JSON");
  app.final_callback([&line] { line.what = command::export_image; });
}

void define_manual(CLI::App& app, command_line& line) {
  text(app, "COMMAND", line.manual.command, "put, et_put, ...; default: elastictape itself", "");
  app.final_callback([&line] { line.what = command::manual; });
}

void define_documents(CLI::App& app, command_line& line) {
  text(app, "DIR", line.documents.folder, "folder that stands for share", "")->required();
  app.final_callback([&line] { line.what = command::documents; });
}

void define_completion(CLI::App& app, command_line& line) {
  text(app, "SHELL", line.completion.shell, "bash or zsh", "")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  app.final_callback([&line] { line.what = command::completion; });
}

constexpr subcommand subcommands[] = {
    {"serve", nullptr, "run the service", define_serve},
    {"put", "et_put", "register a batch of files for tape", define_put},
    {"get", "et_get", "bring a batch or listed files back", define_get},
    {"rm", "et_rm", "remove a batch", define_rm},
    {"ls", "et_ls", "list workspaces, batches or files", define_ls},
    {"status", nullptr, "what batches and retrievals are doing", define_status},
    {"find", nullptr, "find files of all batches by their path", define_find},
    {"cancel", nullptr, "give up a batch or a retrieval", define_cancel},
    {"retry", nullptr, "put the failed files of a batch again", define_retry},
    {"release", nullptr, "delete the source files of a safe batch", define_release},
    {"admin", nullptr, "workspaces, inspector, alerts", define_admin},
    {"export", nullptr, "bring data back from a cartridge image alone", define_export},
    {"completion", nullptr, "print a script that completes commands in a shell", define_completion},
    {"manual", nullptr, "print a manual page as roff", define_manual, true},
    {"documents", nullptr, "write what is installed below share", define_documents, true},
};

}  // namespace

std::span<const subcommand> all_subcommands() {
  return subcommands;
}

}  // namespace et
