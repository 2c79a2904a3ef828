// Judges what a node holds when it joins: each of its cache files by the catalogue, and what the
// catalogue believes in its cache by its files. A detached actor for each joining, since it reads
// all that the catalogue knows of the node; it ends when it is done.
#pragma once

#include "actors/cluster/cluster_protocol.hpp"
#include "storage/catalogue/store.hpp"

namespace et::cluster {

struct join_job {
  membership_actor membership;
  uint64_t link = 0;
  std::string node;
  cache_keeper_actor keeper;  ///< of the node itself, no relay
  registrar_actor registrar;
  mount_scheduler_actor scheduler;
  batch_director_actor director;
  catalogue_store* store = nullptr;  ///< outlives `use`; is only read
  std::shared_ptr<const void> use;   ///< of the store, by store_users
};

/// Tells the membership `joined` at its end.
void join(caf::event_based_actor* self, const join_job& job);

/// Raises the alert of a loss, with what only the lost node has. Detached; ends then.
struct loss_job {
  head_actor head;
  catalogue_store* store = nullptr;
  std::shared_ptr<const void> use;  ///< of the store, by store_users
  std::string node;
  std::string text;
};
void tell_loss(caf::event_based_actor* self, const loss_job& job);

/// Gives up what only a lost node has: it is read from the sources again. Detached; ends then.
struct reread_job {
  std::string node;
  catalogue_store* store = nullptr;
  std::shared_ptr<const void> use;  ///< of the store, by store_users
  head_actor head;
  mount_scheduler_actor scheduler;
  batch_director_actor director;
};
void reread_elsewhere(caf::event_based_actor* self, const reread_job& job);

/// What is in the cache of a node, and in the catalogue's word.
struct node_holdings {
  uint64_t unsafe = 0;                       ///< aggregations that are nowhere else
  std::vector<aggregation_id> unsafe_first;  ///< of these, at most max_given_up
  std::vector<aggregation_id> safe_first;    ///< on tape, in its cache as well; at most as many
};
constexpr size_t max_given_up = 4096;
caf::expected<node_holdings> holdings_of(catalogue_store& store, const std::string& node);

/// Names of nodes that the catalogue believes to hold something, in a cache or a library.
caf::expected<std::vector<std::string>> known_nodes(catalogue_store& store);

}  // namespace et::cluster
