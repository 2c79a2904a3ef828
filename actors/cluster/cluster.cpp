#include "actors/cluster/cluster.hpp"

#include "actors/actor_base.hpp"
#include "actors/blocking.hpp"
#include "actors/defaults.hpp"

namespace et::cluster {

namespace {

/// The links, once there are any: the membership is made before them, and asks for them later.
class link_holder {
 public:
  void set(const std::shared_ptr<node_links>& links) {
    std::lock_guard lock{mutex_};
    links_ = links;
  }
  /// Null: there are none yet, or none any more.
  std::shared_ptr<node_links> get() {
    std::lock_guard lock{mutex_};
    return links_.lock();
  }

 private:
  std::mutex mutex_;
  std::weak_ptr<node_links> links_;
};

struct dialler_state {
  static inline const char* name = "dialler";
  dialler_state() = default;
};

/// How often it is looked whether the certificate must be renewed.
constexpr auto renewal_period = std::chrono::minutes{10};

caf::error renew(node_links& links, const cluster_options& options, const std::string& node) {
  std::vector<ask_head> heads;
  if (auto issuer = options.issuer)
    heads.push_back([issuer, node](const std::string& question) -> caf::expected<std::string> {
      return issuer->answer(question, node);
    });
  else
    for (auto& head : options.heads)
      heads.push_back([&links, head](const std::string& question) {
        return links.ask(head, question, defaults::connect_timeout);
      });
  certificates own{options.folder};
  auto renewed = renew_when_due(own, node, heads);
  if (!renewed) return renewed.error();
  if (!*renewed) return {};
  spdlog::info("the certificate of this node has been renewed");
  return links.renew();
}

dialler_actor::behavior_type dialler(dialler_actor::stateful_pointer<dialler_state> self,
                                     std::shared_ptr<link_holder> holder,
                                     const cluster_options& options, const std::string& own,
                                     membership_actor membership) {
  guard(self);
  // Its own next look would keep it, and with it the process, for minutes.
  self->monitor(membership);
  self->set_down_handler([self](caf::down_msg&) { self->quit(caf::exit_reason::user_shutdown); });
  self->delayed_send(self, std::chrono::seconds{1}, tick_atom_v);
  return {
      [=](tick_atom) {
        if (auto links = holder->get())
          if (auto error = renew(*links, options, own))
            spdlog::error("the certificate of this node cannot be renewed: {}", text_of(error));
        self->delayed_send(self, renewal_period, tick_atom_v);
      },
      [=](dial_atom, const std::string& address, const std::string& node) {
        auto links = holder->get();
        if (!links) {
          self->send(membership, dial_atom_v, node, std::string{"this node has no links yet"});
          return;
        }
        auto linked = links->connect(address, node, defaults::connect_timeout);
        if (linked)
          self->send(membership, linked_atom_v, linked->facts.number, node, linked->facts.node,
                     linked->port);
        else
          self->send(membership, dial_atom_v, node, text_of(linked.error()));
      },
  };
}

}  // namespace

caf::expected<begun> begin(caf::actor_system& system, actors_ptr actors,
                           const cluster_options& options, membership_options membership_with) {
  auto holder = std::make_shared<link_holder>();
  membership_with.heads = options.heads;
  membership_with.heartbeat = options.heartbeat;
  membership_with.down_after = options.down_after;
  membership_with.reread_after = options.reread_after;
  membership_with.listen = options.listen;
  membership_with.close_link = [holder](uint64_t number, std::string reason) {
    if (auto links = holder->get()) links->close(number, std::move(reason));
  };
  auto own = actors->node;
  auto make_dialler = [&system, holder, options, own](const membership_actor& of) -> dialler_actor {
    return spawn_blocking(system, dialler, holder, options, own, of);
  };
  begun made;
  made.membership = system.spawn(membership, actors, std::move(membership_with), make_dialler);
  if (options.listen.empty() && options.heads.empty()) return made;
  node_links::options with;
  with.node = actors->node;
  with.listen = options.listen;
  with.folder = options.folder;
  with.interface = system.message_types<node_port_actor>();
  auto of = made.membership;
  if (auto issuer = options.issuer)
    with.answer = [issuer](const std::string& question, const std::string& node) {
      return issuer->answer(question, node);
    };
  with.factory = [&system, of](const link_facts& link) {
    return caf::actor_cast<caf::strong_actor_ptr>(
        system.spawn(node_port, of, link.number, link.node));
  };
  with.on_closed = [of](uint64_t number, const std::string& node, const std::string& reason) {
    caf::anon_send(of, cut_atom_v, number, node, reason);
  };
  auto links = node_links::open(system, std::move(with));
  if (!links) {
    caf::anon_send_exit(made.membership, caf::exit_reason::user_shutdown);
    return links.error();
  }
  made.links = std::move(*links);
  holder->set(made.links);
  return made;
}

}  // namespace et::cluster
