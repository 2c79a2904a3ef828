#include "cli/manual_texts.hpp"

#include "cli/commands/ls_rows.hpp"

namespace et {

namespace {

constexpr exit_meaning done{0, "done"};
constexpr exit_meaning parameters{
    1, "wrong parameters or configuration, nothing of that name, or no service"};
constexpr exit_meaning not_authorised{2, "not authorised"};
constexpr exit_meaning interrupted{4, "interrupted"};
constexpr exit_meaning reader_gone{4, "interrupted, or the reader of the output went away"};

command_manual elastictape_manual() {
  command_manual page;
  page.command = "";
  page.description =
      "A near-line tape archive: managers of project workspaces send batches of files to tape and "
      "fetch them back; the service caches every file, packs it, writes it to the volumes of a "
      "library, and keeps the catalogue and the quotas.\n\n"
      "A batch that is shown as `CACHED_SYNCED` or `SYNCED` is safe: every copy of it is behind a "
      "flushed filemark on its own volume, and its place and checksum are durable in the "
      "catalogue. Only then may the originals be deleted.\n\n"
      "The program is the service as well as all of its commands. Under one of the names "
      "`et_put`, `et_get`, `et_rm` and `et_ls`, also with `.py` at the end, it is that command.";
  page.exits = {done, parameters, {2, "and above: see the page of the command"}};
  page.examples = {
      {"elastictape serve &", "Run a complete service with a virtual tape library."},
      {"et_put -w local -t results --wait /data/results",
       "Send a folder to tape and wait until it is safe."},
      {"et_ls -w local -L batch -H", "List the batches of the workspace."},
      {"et_get -w local -b 1 -r /scratch/back", "Bring batch 1 back."},
  };
  return page;
}

command_manual put_manual() {
  command_manual page;
  page.command = "put";
  page.description =
      "Registers every file below DIR, or every file that LISTFILE names, as one batch, prints "
      "`Batch ID:` and its number, and ends; the service does the rest.\n\n"
      "LISTFILE has one absolute path a line. A blank line, white space around a path, a relative "
      "path, a missing file, a folder, a link or special file, a path that stands there twice, a "
      "file over the maximum size, a path outside the workspace's roots, and a file that is "
      "already held are errors: each is reported with its line and reason. Without `-c` any error "
      "rejects the whole batch, `BATCH REJECTED` is printed and nothing is registered. With `-c` "
      "the bad files are left out. A batch over the workspace's quota is always rejected.\n\n"
      "The service reads the files as the user who put them. A file that is gone, cannot be read, "
      "or has changed since it was registered fails with that reason; the batch then says "
      "`FAILED` although its other files are safe. Do not delete or change a file before the "
      "batch is safe.\n\n"
      "With `--update` a file that is held already is no error: it is left out when size and "
      "modification time are still those of the newest batch that holds it, and put again when "
      "not. When nothing is new no batch is made, and that is a success. So one command keeps a "
      "second copy of a whole workspace, night after night.";
  page.one_of = {"-f", "DIR"};
  page.exits = {done,
                parameters,
                {2, "the list was rejected, or not authorised"},
                {3, "with --wait: the batch failed"},
                interrupted};
  page.examples = {
      {"et_put -w lidar -t flight12 /data/lidar/flight12",
       "Put a folder, with a tag to know the batch by."},
      {"find /data/lidar -name '*.nc' | et_put -w lidar -c -f -",
       "Put what find lists; leave out what cannot be put."},
      {"et_put -w lidar --wait /data/lidar/flight12 && echo safe",
       "Wait until the batch is safe on tape."},
  };
  return page;
}

command_manual get_manual() {
  command_manual page;
  page.command = "get";
  page.description =
      "Writes every file of BATCH, or every file that FILELIST names, to DIR + its original "
      "absolute path, with its mode and modification time.\n\n"
      "A listed file comes from the newest batch that holds it, or from BATCH when `-b` is given "
      "too. Data that is on tape only is recalled, volume by volume in the order of the tape; the "
      "progress says what waits for which volume. Every file's checksum is verified before it "
      "appears under its name.\n\n"
      "Files that are already there with the same size and time are skipped, so the same command "
      "continues one that was interrupted. A file that differs is an error unless `--overwrite` "
      "is given. Files that cannot be delivered are listed at the end, all others are there.";
  page.one_of = {"-b", "-f"};
  page.exits = {done,
                parameters,
                {2, "cannot write to DIR, or not authorised"},
                {3, "error during download"},
                interrupted,
                {5, "completed with bad files"}};
  page.examples = {
      {"et_get -w lidar -b 17 -r /scratch/back", "Bring a whole batch back."},
      {"et_get -w lidar -f wanted.txt -r /scratch/back", "Bring the files back that a list names."},
  };
  return page;
}

command_manual rm_manual() {
  command_manual page;
  page.command = "rm";
  page.description =
      "Removes a batch: it disappears from every listing, its quota is given back, and its space "
      "on tape may be used again.\n\n"
      "A batch that is still being written is cancelled first. There is no way back: when the "
      "originals are gone too, the data is lost.";
  page.exits = {done, parameters, not_authorised};
  page.examples = {{"et_rm -w lidar -b 17", "Remove batch 17."}};
  return page;
}

manual_item line_of(const char* letter, const char* what, ls_level level) {
  std::string columns;
  for (auto column : ls_columns(level)) {
    if (!columns.empty()) columns += ", ";
    columns += column;
  }
  return {letter, std::string{what} + ": " + columns};
}

command_manual ls_manual() {
  command_manual page;
  page.command = "ls";
  page.description =
      "Lists workspaces, batches or files. In text, the first character of a line is its type: "
      "`H` header, `W` workspace, `B` batch, `F` file.\n\n"
      "What is listed is sorted by batch, then by path. Times are UTC.";
  page.exits = {done, parameters, not_authorised, reader_gone};
  page.examples = {
      {"et_ls -w lidar -H", "The batches of a workspace, below a line that names the columns."},
      {"et_ls -w lidar -b 17 -L file -F json", "The files of batch 17, one JSON object a line."},
      {"et_ls -L workspace", "The workspaces, with quota and what of it is used."},
      {"et_ls -x http://tape.example.org:8080/ -w lidar",
       "The batches as a monitor tells them, from a machine without the service."},
  };
  manual_section out{
      "OUTPUT", "A line of text has these fields, separated by tabs, after its type:", {}};
  out.items = {line_of("W", "a workspace", ls_level::workspace),
               line_of("B", "a batch", ls_level::batch), line_of("F", "a file", ls_level::file)};
  page.sections.push_back(out);
  page.sections.push_back(
      {"MONITOR",
       "With `-x` the holdings come from the XML of a monitor instead of the service. URL is the "
       "monitor's base, as in `http://tape.example.org:8080/`, or the address of its page, whose "
       "own parameters are kept where `-w`, `-b` and `-L` do not replace them; https asks for a "
       "certificate that this machine trusts. A workspace is needed unless URL names one or "
       "workspaces are listed.\n\n"
       "A monitor that asks for a login gets the token in the file that ELASTICTAPE_TOKEN_FILE or "
       "`TokenFile` in et_config names ('elastictape admin token create' makes one). The file "
       "must "
       "be the user's own, with mode 0600. It is sent to https or to this machine only, and "
       "redirections are not followed with it.\n\n"
       "What the XML does not say is a dash in text, null in JSON and empty in CSV: among it "
       "batches, files and bytes of a workspace, the requester of a batch, mtime and checksum of "
       "a file. Its times are the monitor's local time and are taken as times of this machine's "
       "zone. A byte that XML cannot hold comes as `%XX` and is turned back; a name that itself "
       "contains such a `%XX` cannot be told apart.\n\n"
       "What was received before an error is printed.",
       {}});
  page.sections.push_back(
      {"NAMES",
       "A file name may hold any byte. In text, tab, newline and backslash are written `\\t`, "
       "`\\n` "
       "and `\\\\`, and every other byte is itself; an empty field is a dash. In JSON, a name that "
       "is not UTF-8 is an object `{\"bytes\":\"BASE64\"}`. CSV is that of RFC 4180.",
       {}});
  return page;
}

command_manual status_manual() {
  command_manual page;
  page.command = "status";
  page.description =
      "Says what batches and retrievals are doing: state, progress, on which volumes the data is, "
      "and what is waited for.\n\n"
      "A batch has the state of its least advanced aggregation: `REGISTERED`, `CACHED`, then "
      "`CACHED_SYNCED` (safe on tape, still in the disk cache) and `SYNCED` (safe, on tape only); "
      "or `FAILED` when any file of it failed.";
  page.exits = {done, parameters, not_authorised, {3, "with --wait: it failed"}, interrupted};
  page.examples = {{"elastictape status -w lidar -b 17 --wait",
                    "Wait with progress until batch 17 is safe or has failed."}};
  return page;
}

command_manual find_manual_page() {
  command_manual page;
  page.command = "find";
  page.description =
      "Finds files of all batches of the workspace whose original path matches PATTERN: `*` stands "
      "for any characters, slashes too, `?` for one, `[a-z]` and `[!a-z]` for one of a set or not; "
      "a backslash takes the meaning away. A pattern that begins neither with `/` nor with `*` is "
      "looked for in every folder. Quote it, or the shell expands it.\n\n"
      "Lines are those of `et_ls -L file`, by batch and path. Finding nothing is no error.";
  page.exits = {done, parameters, not_authorised, reader_gone};
  page.examples = {{"elastictape find -w lidar '*.nc'", "Every NetCDF file."},
                   {"elastictape find -w lidar '/data/lidar/2019/*' | cut -f 7-",
                    "The paths of everything that lay below a folder."}};
  return page;
}

command_manual cancel_manual() {
  command_manual page;
  page.command = "cancel";
  page.description =
      "Gives up what is not safe yet of a batch, or ends a running retrieval of any session.\n\n"
      "Files of a batch that are safe stay safe and can be fetched; all others become `FAILED`, "
      "are "
      "not charged to the quota any more, and may be put again. To be rid of the whole batch use "
      "`et_rm`.\n\n"
      "A retrieval that is cancelled ends the `et_get` it belongs to; what that has written stays.";
  page.one_of = {"-b", "-r"};
  page.exits = {done,
                {1, "wrong parameters, nothing of that name, or nothing of it in motion"},
                not_authorised};
  return page;
}

command_manual retry_manual() {
  command_manual page;
  page.command = "retry";
  page.description =
      "Puts the failed files of a batch again, as they are now, in a new batch with the same tag, "
      "and prints its `Batch ID:`. Failed files that another batch holds by now are left out; when "
      "that are all, nothing is put.\n\n"
      "A failed file that is gone or cannot be read rejects the new batch, unless `-c` is given. "
      "The "
      "old batch stays `FAILED`, for its ticket stands for all of its files; `release` works on it "
      "once its failed files are safe in another batch.";
  page.exits = {done,
                {1, "wrong parameters or configuration, no such batch, no failed files"},
                {2, "the files were rejected, or not authorised"},
                {3, "with --wait: the new batch failed"},
                interrupted};
  return page;
}

command_manual release_manual() {
  command_manual page;
  page.command = "release";
  page.description =
      "Deletes the source files of a batch that is safe, and nothing else: the cure for deleting "
      "sources too early.\n\n"
      "A file is deleted only if the catalogue says that it is safe, it still has the size and the "
      "modification time that were stored, it belongs to you (root may delete any), no link is in "
      "its path, and no other program has it open, as far as the file system can tell. Everything "
      "else is kept and listed. Folders are never deleted.\n\n"
      "A batch that is not safe is refused. A `FAILED` batch is refused too, unless each of its "
      "failed files is safe in another batch.";
  page.exits = {done,           parameters,
                not_authorised, {3, "the batch is not safe; nothing is deleted"},
                interrupted,    {5, "done, but some files were kept"}};
  page.examples = {{"elastictape release -w lidar -b 17 --dry-run", "Show what would be deleted."},
                   {"elastictape release -w lidar -b 17 -l released.log",
                    "Delete, and keep a record of every file."}};
  return page;
}

command_manual serve_manual() {
  command_manual page;
  page.command = "serve";
  page.description =
      "Runs the service in the foreground. It prints one line that begins with `elastictape "
      "ready:` when it serves, and tells systemd if asked to.\n\n"
      "Without `--config` it is a complete service for one machine: a virtual tape library of 10 "
      "cartridges and 2 drives in the state folder, and a workspace `local` for the user who runs "
      "it. Two services on one state folder: the second refuses to start.\n\n"
      "Clients of other machines connect over TLS when `tls_listen` under `[service]` says where; "
      "the "
      "line then ends with `remote HOST:PORT`.\n\n"
      "SIGTERM and SIGINT end it gently: running blocks are finished and flushed. After any other "
      "end the next start goes on from the catalogue: what was registered is finished, what was "
      "not is forgotten.";
  page.exits = {{0, "ended by SIGTERM or SIGINT"},
                {1, "cannot start, or a part that the service cannot do without has ended"},
                {3, "another node has become the head (docs/standby.md)"}};
  page.examples = {{"elastictape serve --config /etc/elastictape.toml",
                    "Run the service that a configuration describes."}};
  page.environment = {
      {"NOTIFY_SOCKET", "Where systemd wants to be told that the service is ready."}};
  page.files = {
      {"STATE/elastictape.sock", "Where commands connect by default."},
      {"STATE/log/elastictape.log", "What the service says, unless configured otherwise."}};
  return page;
}

command_manual admin_manual() {
  command_manual page;
  page.command = "admin";
  page.description =
      "For administrators: root, and the users whom the service's configuration names. Workspaces "
      "and their quotas, what volumes are used for, what every part of the service is doing, "
      "alerts, and the audit: who did what from where.\n\n"
      "Everybody may list workspaces and alerts of their own, and make, list and revoke tokens of "
      "their own: logins for the monitor where it asks for one, and for commands on other "
      "machines. "
      "With --workspace a token is good for that one alone, and for nothing that administrators "
      "may. "
      "A token goes into the header "
      "'Authorization: Bearer TOKEN', into the password of a browser's login, or into the file "
      "that ELASTICTAPE_TOKEN_FILE names for 'ls -x' and for a service on another machine. The "
      "service keeps only its hash.";
  page.exits = {done, parameters, not_authorised, reader_gone};
  page.examples = {
      {"elastictape admin workspace add lidar --root /data/lidar --manager ada --quota 10T",
       "Add a workspace."},
      {"elastictape admin workspace set lidar --quota 20T", "Change nothing but its quota."},
      {"elastictape admin volume set ET0003L8 --status quarantined",
       "Mount it no more, whatever waits for it."},
      {"elastictape admin token create --label laptop --expires 30d",
       "Make a login for the monitor's pages: a token, which is shown this once."},
      {"elastictape admin token create --user ada --workspace lidar",
       "Make a login with which Ada's programs reach her workspace lidar, and no other."},
      {"elastictape admin token revoke 7", "End it."},
      {"elastictape admin audit --user ada",
       "What Ada did or was refused, from where, and with what outcome."},
      {"elastictape admin inspect", "What every actor, drive, volume and queue does now."},
  };
  return page;
}

command_manual export_manual() {
  command_manual page;
  page.command = "export";
  page.description =
      "Lists what a cartridge image of the virtual library holds, or writes one of its "
      "aggregations to standard output as the tar stream that it is. Needs no service and no "
      "catalogue.\n\n"
      "A line of the list has the sequence number on the volume, the aggregation, the block of its "
      "header, its bytes, and when it was written.";
  page.exits = {done, {1, "wrong parameters, or the image cannot be read"}, reader_gone};
  page.examples = {{"elastictape export ET0001L8.cartridge", "List a cartridge."},
                   {"elastictape export ET0001L8.cartridge 17.1 | tar -x -C /scratch/back",
                    "Bring the files of aggregation 17.1 back."}};
  return page;
}

command_manual completion_manual() {
  command_manual page;
  page.command = "completion";
  page.description =
      "Prints a script that makes a shell complete the words of `elastictape`, `et_put`, `et_get`, "
      "`et_rm` and `et_ls`: subcommands, options and their values, and the workspaces and batches "
      "that the service knows.\n\n"
      "An installed copy is found by bash-completion and zsh on their own.";
  page.exits = {done, {1, "wrong parameters"}};
  page.examples = {{"source <(elastictape completion bash)", "Complete in this bash."},
                   {"source <(elastictape completion zsh)", "Complete in this zsh."}};
  return page;
}

}  // namespace

const std::vector<command_manual>& all_manuals() {
  static const std::vector<command_manual> manuals{
      elastictape_manual(), put_manual(),       get_manual(),       rm_manual(),
      ls_manual(),          status_manual(),    find_manual_page(), cancel_manual(),
      retry_manual(),       release_manual(),   serve_manual(),     admin_manual(),
      export_manual(),      completion_manual()};
  return manuals;
}

const command_manual* find_manual(std::string_view command) {
  for (const auto& one : all_manuals()) {
    if (one.command == command) return &one;
  }
  return nullptr;
}

}  // namespace et
