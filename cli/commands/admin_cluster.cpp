// elastictape admin cluster: the authority, join tokens and nodes of a cluster.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "actors/cluster/enrolment.hpp"
#include "cli/commands/admin.hpp"
#include "cli/service_config.hpp"
#include "storage/auth/token.hpp"

namespace et {

namespace {

constexpr int64_t second_ns = 1'000'000'000;

struct place {
  std::filesystem::path state;
  std::filesystem::path folder;  ///< of certificates
  std::string node;              ///< the name of this one
};

/// A name that is asked for must be the one that the service will have.
caf::error check_name(const std::string& asked, const std::string& configured,
                      const std::filesystem::path& state) {
  if (asked.empty()) return {};
  if (!configured.empty())
    return asked == configured ? caf::error{}
                               : fail(errc::invalid_argument, "the configuration calls this node " +
                                                                  configured + ", not " + asked +
                                                                  "; change [node] name or --name");
  auto known = read_small_file(state / "node", 256);
  if (!known) return code_of(known.error()) == errc::not_found ? caf::error{} : known.error();
  auto name = known->substr(0, known->find('\n'));
  if (asked == name) return {};
  return fail(errc::invalid_argument, "this node has been started as " + name +
                                          ", and names do not change; leave --name out");
}

/// The state folder, when the service has not made it yet: others may enter it to reach the socket.
caf::error make_state_folder(const std::filesystem::path& state) {
  std::error_code code;
  if (std::filesystem::create_directories(state, code))
    std::filesystem::permissions(state, std::filesystem::perms{0711}, code);
  return code ? fail_errno("cannot make " + state.string(), code.value()) : caf::error{};
}

caf::expected<place> place_of(const admin_cluster_options& options) {
  service_config config;
  if (!options.config_file.empty()) {
    auto loaded = load_service_config(options.config_file);
    if (!loaded) return loaded.error();
    config = std::move(*loaded);
  }
  std::filesystem::path state = options.state;
  if (state.empty()) state = config.service.state;
  if (state.empty()) state = options.default_state;
  if (auto error = check_name(options.name, config.node.name, state)) return error;
  auto node = node_name_of(state, options.name.empty() ? config.node.name : options.name);
  if (!node) return node.error();
  return place{state, state / "cluster", *node};
}

int init(const admin_cluster_options& options, command_context& context) {
  auto where = place_of(options);
  if (!where) return end_with(context, where.error());
  certificates own{where->folder};
  if (auto error = make_state_folder(where->state)) return end_with(context, error);
  if (auto error = own.make_authority(where->node)) return end_with(context, error);
  // The service begins under the name that is in its certificate.
  if (auto error = replace_file(where->state / "node", where->node + "\n"))
    return end_with(context, error);
  auto fingerprint = own.authority_fingerprint();
  if (!fingerprint) return end_with(context, fingerprint.error());
  context.out.text() += "cluster made: node " + where->node + " is its head, certificates are in " +
                        where->folder.string() + "\n" + "fingerprint " + *fingerprint + "\n";
  context.report.note(
      "set [cluster] listen in the head's configuration, start it, then make a "
      "token for each node: elastictape admin cluster token");
  return finish_output(context, exit_ok);
}

/// By way of the service, whose audit tells who did it; without one, into the file that it will
/// read.
caf::error keep_token(const place& where, const std::string& hash, int64_t lifetime_s,
                      command_context& context) {
  auto now_ns = system_clock().now_ns();
  auto expires_ns = now_ns + lifetime_s * second_ns;
  auto service = context.connect_to_state(where.state);
  if (service) return (*service)->add_join_token(hash, expires_ns);
  if (code_of(service.error()) != errc::unavailable) return service.error();
  cluster::join_tokens tokens{where.folder / "join-tokens"};
  return tokens.add(hash, expires_ns, now_ns);
}

int token(const admin_cluster_options& options, command_context& context) {
  auto where = place_of(options);
  if (!where) return end_with(context, where.error());
  certificates own{where->folder};
  if (!own.has_authority())
    return end_with(context,
                    fail(errc::not_found, "there is no cluster in " + where->folder.string() +
                                              "; make one: elastictape admin cluster "
                                              "init"));
  auto fingerprint = own.authority_fingerprint();
  if (!fingerprint) return end_with(context, fingerprint.error());
  auto made = make_token(system_random());
  if (!made) return end_with(context, made.error());
  if (auto error = keep_token(*where, made->hash, options.lifetime_s, context))
    return end_with(context, error);
  context.out.text() += cluster::to_text({made->text, *fingerprint}) + "\n";
  context.report.note(
      "good once; on the new node: elastictape serve --join HOST:PORT --token TOKEN");
  return finish_output(context, exit_ok);
}

int nodes(const admin_cluster_options& options, command_context& context) {
  auto service = context.connect();
  if (!service) return end_with(context, service.error());
  auto reports = (*service)->nodes();
  if (!reports) return end_with(context, reports.error());
  for (const auto& one : *reports) append_report(context.out.text(), one, options.json);
  return finish_output(context, exit_ok);
}

int promote(const admin_cluster_options& options, command_context& context) {
  auto service = context.connect();
  if (!service) return end_with(context, service.error());
  auto done = (*service)->promote(options.force);
  if (!done) return end_with(context, done.error());
  context.out.text() += *done + "\n";
  return finish_output(context, exit_ok);
}

}  // namespace

caf::expected<std::string> node_name_of(const std::filesystem::path& state,
                                        const std::string& configured) {
  if (!configured.empty()) return configured;
  auto known = read_small_file(state / "node", 256);
  if (known) return known->substr(0, known->find('\n'));
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0)
    return fail_errno("cannot learn the name of this host", errno);
  return std::string{host};
}

int run_admin_cluster(const admin_cluster_options& options, command_context& context) {
  switch (options.what) {
    case admin_cluster_options::action::init:
      return init(options, context);
    case admin_cluster_options::action::token:
      return token(options, context);
    case admin_cluster_options::action::promote:
      return promote(options, context);
    case admin_cluster_options::action::status:
      break;
  }
  return nodes(options, context);
}

}  // namespace et
