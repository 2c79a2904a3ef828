#include "tests/simulation/wires.hpp"

#include "actors/cluster/cluster_protocol.hpp"

namespace et::simulation {

using namespace std::chrono_literals;

/// An actor of the other end of a link.
class wires::proxy : public caf::actor_proxy {
 public:
  proxy(caf::actor_config& cfg, wires* of, uint64_t link, int home, caf::strong_actor_ptr real)
      : caf::actor_proxy(cfg), of_(of), link_(link), home_(home), real_(std::move(real)) {}

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) override {
    if (!of_) return;  // as the framework: what is sent to a lost node is lost
    of_->send(link_, home_, {what->sender, real_, what->mid, what->move_content_to_message()});
  }
  void kill_proxy(caf::execution_unit* unit, caf::error reason) override {
    of_ = nullptr;
    real_ = nullptr;
    cleanup(std::move(reason), unit);
  }
  bool is_of(uint64_t link, int home) const { return of_ && link_ == link && home_ == home; }
  const caf::strong_actor_ptr& real() const { return real_; }

 private:
  wires* of_;
  uint64_t link_;
  int home_;
  caf::strong_actor_ptr real_;
};

wires::wires(world& of) : world_(of) {
  post_ = world_.as(nobody, [&] {
    return world_.system().spawn([this](caf::event_based_actor*) -> caf::behavior {
      auto lives = std::weak_ptr{lives_};
      return {[this, lives](ping_atom, uint64_t number, int32_t to) {
                if (!lives.expired()) arrive(number, to);
              },
              [this, lives](cut_atom, uint64_t number, int32_t side, const std::string& why) {
                if (!lives.expired()) learn(number, side, why);
              }};
    });
  });
}

wires::~wires() {
  for (auto& [number, one] : links_)
    for (auto& side : one.ends)
      for (auto& [id, held] : std::exchange(side.proxies, {}))
        static_cast<proxy*>(caf::actor_cast<caf::abstract_actor*>(held))
            ->kill_proxy(nullptr, caf::exit_reason::remote_link_unreachable);
  caf::anon_send_exit(post_, caf::exit_reason::user_shutdown);
}

uint64_t wires::open(machine a, on_end a_ends, machine b, on_end b_ends) {
  auto number = next_++;
  auto& one = links_[number];
  one.ends[0].of = a;
  one.ends[0].told = std::move(a_ends);
  one.ends[1].of = b;
  one.ends[1].told = std::move(b_ends);
  return number;
}

caf::strong_actor_ptr wires::abroad(uint64_t number, machine home,
                                    const caf::strong_actor_ptr& one) {
  auto found = links_.find(number);
  if (found == links_.end() || !one) return nullptr;
  return proxy_of(number, side_of(found->second, home), one);
}

/// An actor of end `side` for the other end.
caf::strong_actor_ptr wires::proxy_of(uint64_t number, int side, const caf::strong_actor_ptr& one) {
  if (!one) return nullptr;
  auto& of = links_.at(number);
  // What came from there goes back as what it is.
  if (auto* known = dynamic_cast<proxy*>(caf::actor_cast<caf::abstract_actor*>(one)))
    if (known->is_of(number, 1 - side)) return known->real();
  auto& known = of.ends[1 - side].proxies;
  auto id = one->id();
  if (auto found = known.find(id); found != known.end()) return found->second;
  caf::actor_config cfg;
  auto made = caf::make_actor<proxy, caf::strong_actor_ptr>(
      world_.system().next_actor_id(), world_.system().node(), &world_.system(), cfg, this, number,
      side, one);
  known.emplace(id, made);
  auto lives = std::weak_ptr{lives_};
  caf::actor_cast<caf::abstract_actor*>(one)->attach_functor([this, lives, number, side, id] {
    if (lives.expired()) return;
    auto over = links_.find(number);
    if (over == links_.end() || !over->second.alive) return;
    auto held = over->second.ends[1 - side].proxies.find(id);
    if (held == over->second.ends[1 - side].proxies.end()) return;
    item gone;
    gone.to = held->second;
    gone.is_end = true;
    send(number, 1 - side, std::move(gone));
  });
  return made;
}

caf::message wires::translate(uint64_t number, int to, caf::message content) {
  auto carry = [&](auto& handle) {
    using handle_type = std::decay_t<decltype(handle)>;
    if (!handle) return;
    auto there = proxy_of(number, 1 - to, caf::actor_cast<caf::strong_actor_ptr>(handle));
    handle = caf::actor_cast<handle_type>(there);
  };
  auto carry_card = [&](node_card card) {
    carry(card.keeper);
    for (auto& one : card.cache_readers) carry(one);
    for (auto& one : card.writers) carry(one);
    for (auto& one : card.drives) carry(one);
    carry(card.library);
    carry(card.tickets);
    carry(card.inspector);
    carry(card.head);
    carry(card.port);
    return card;
  };
  if (content.match_elements<meet_atom, node_card>())
    return caf::make_message(meet_atom_v, carry_card(content.get_as<node_card>(1)));
  if (content.match_elements<node_card>())
    return caf::make_message(carry_card(content.get_as<node_card>(0)));
  if (content.match_elements<write_atom, cache_job, caf::strong_actor_ptr>()) {
    auto receiver = content.get_as<caf::strong_actor_ptr>(2);
    carry(receiver);
    return caf::make_message(write_atom_v, content.get_as<cache_job>(1), std::move(receiver));
  }
  return content;
}

void wires::send(uint64_t number, int to, item what) {
  auto found = links_.find(number);
  if (found == links_.end() || !found->second.alive) return;
  auto& one = found->second;
  if (world_.frozen(one.ends[1 - to].of)) return;
  if (!what.is_end) what.content = translate(number, to, std::move(what.content));
  one.under_way[to].push_back(std::move(what));
  auto due = std::max(one.last_due[to], world_.now() + world_.random().span(20us, slowest));
  one.last_due[to] = due;
  world_.system().clock().schedule_message(
      caf::actor_clock::time_point{due}, caf::actor_cast<caf::strong_actor_ptr>(post_),
      caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, ping_atom_v, number,
                                int32_t{to}));
}

void wires::arrive(uint64_t number, int to) {
  auto found = links_.find(number);
  if (found == links_.end() || !found->second.alive) return;
  auto& one = found->second;
  if (one.silent || one.under_way[to].empty()) return;
  auto what = std::move(one.under_way[to].front());
  one.under_way[to].pop_front();
  if (world_.frozen(one.ends[to].of)) return;
  if (what.is_end) {
    auto* ended = static_cast<proxy*>(caf::actor_cast<caf::abstract_actor*>(what.to));
    for (auto& [id, held] : one.ends[to].proxies)
      if (held == what.to) {
        one.ends[to].proxies.erase(id);
        break;
      }
    ended->kill_proxy(nullptr, caf::exit_reason::unknown);
    return;
  }
  world_.note(what.content.type_token());
  auto from = proxy_of(number, 1 - to, what.from);
  auto* receiver = caf::actor_cast<caf::abstract_actor*>(what.to);
  receiver->enqueue(from, what.id, std::move(what.content), nullptr);
}

void wires::drop(uint64_t number) {
  auto& one = links_.at(number);
  one.alive = false;
  one.under_way[0].clear();
  one.under_way[1].clear();
}

void wires::learn(uint64_t number, int side, const std::string& why) {
  auto found = links_.find(number);
  if (found == links_.end() || !found->second.ends[side].open) return;
  auto& one = found->second;
  one.ends[side].open = false;
  auto proxies = std::exchange(one.ends[side].proxies, {});
  for (auto& [id, held] : proxies)
    static_cast<proxy*>(caf::actor_cast<caf::abstract_actor*>(held))
        ->kill_proxy(nullptr, caf::exit_reason::remote_link_unreachable);
  auto told = std::move(one.ends[side].told);
  auto of = one.ends[side].of;
  if (!one.ends[1 - side].open) links_.erase(found);
  if (told && !world_.frozen(of)) world_.as(of, [&] { told(why); });
}

void wires::learn_later(uint64_t number, int side, const std::string& why, bool slowly) {
  auto after = world_.random().span(20us, slowly ? std::chrono::nanoseconds{20s} : 20ms);
  world_.system().clock().schedule_message(
      caf::actor_clock::time_point{world_.now() + after},
      caf::actor_cast<caf::strong_actor_ptr>(post_),
      caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, cut_atom_v, number,
                                int32_t{side}, why));
}

void wires::close(uint64_t number, machine who, const std::string& why) {
  auto found = links_.find(number);
  if (found == links_.end()) return;
  auto side = side_of(found->second, who);
  bool slowly = found->second.silent;
  drop(number);
  learn_later(number, 1 - side, "the other end has closed it", slowly);
  learn_later(number, side, why, false);
}

void wires::cut(uint64_t number) {
  auto found = links_.find(number);
  if (found == links_.end()) return;
  drop(number);
  for (int side = 0; side < 2; ++side)
    learn_later(number, side, "connection reset", world_.random().chance(0.2));
}

void wires::silence(uint64_t number, bool on) {
  auto found = links_.find(number);
  if (found == links_.end() || !found->second.alive) return;
  auto& one = found->second;
  one.silent = on;
  if (on) return;
  for (int to = 0; to < 2; ++to)
    for (auto left = one.under_way[to].size(); left > 0; --left)
      caf::anon_send(post_, ping_atom_v, number, int32_t{to});
}

void wires::leave(machine who) {
  for (auto number : between([who](machine a, machine b) { return a == who || b == who; }))
    close(number, who, "this machine stops");
}

void wires::crash(machine who) {
  std::vector<std::pair<uint64_t, int>> mine;
  for (auto& [number, one] : links_)
    for (int side = 0; side < 2; ++side)
      if (one.ends[side].of == who) mine.push_back({number, side});
  for (auto [number, side] : mine) {
    links_.at(number).ends[side].told = nullptr;
    if (links_.at(number).alive) {
      drop(number);
      learn_later(number, 1 - side, "connection reset", world_.random().chance(0.3));
    }
    learn(number, side, {});
  }
}

std::vector<uint64_t> wires::between(const std::function<bool(machine, machine)>& of) const {
  std::vector<uint64_t> found;
  for (auto& [number, one] : links_)
    if (one.alive && of(one.ends[0].of, one.ends[1].of)) found.push_back(number);
  return found;
}

}  // namespace et::simulation
