#include "actors/node_config.hpp"

#include <caf/io/all.hpp>

#include "actors/atoms.hpp"
#include "actors/cluster/cluster_protocol.hpp"
#include "actors/standby/standby_protocol.hpp"

namespace et {

node_config::node_config(const node_options& options) {
  // Parsing nothing keeps the framework from looking for caf-application.ini in the working folder.
  config_file_path = "/dev/null";
  load<caf::io::middleman>();
  add_message_types<caf::id_block::elastictape>();
  add_message_types<caf::id_block::cluster>();
  add_message_types<caf::id_block::standby>();
  add_error_category(caf::atom("elastic"),
                     [](uint8_t code, caf::atom_value, const caf::message& m) {
                       auto text = std::string{to_string(static_cast<errc>(code))};
                       if (m.match_elements<std::string>()) text += ": " + m.get_as<std::string>(0);
                       return text;
                     });
  set("scheduler.policy", caf::atom("sharing"));
  set("scheduler.max-threads", options.threads);
  set("logger.console", caf::atom("none"));
  set("logger.file-verbosity", caf::atom("quiet"));
  set("logger.console-verbosity", caf::atom("quiet"));
  set("middleman.app-identifiers",
      std::vector<std::string>{"elastictape-" + std::to_string(protocol_version)});
  set("middleman.workers", options.decoders);
  set("middleman.heartbeat-interval", caf::timespan{options.heartbeat});
  set("middleman.connection-timeout", caf::timespan{options.silence});
  set("middleman.enable-automatic-connections", false);
}

node_options service_node(size_t threads) {
  return {.threads = threads, .decoders = 2};
}

node_options short_lived_node() {
  return {};
}

}  // namespace et
