// How fast bytes get from one node to another: an exchange of 1 MiB pages between actors of two
// processes over a link (TLS 1.3, both with certificates, on loopback), beside `openssl s_client`
// and `s_server` that move as many bytes. Wanted: at least half of their rate.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <caf/all.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "actors/cluster/node_links.hpp"
#include "actors/node_config.hpp"
#include "actors/protocol.hpp"
#include "storage/auth/certificates.hpp"

using namespace et;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr size_t page_bytes = 1 << 20;
constexpr size_t window = 8;
constexpr int rounds = 3;

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "bench_links: %s\n", why.c_str());
  std::exit(1);
}

template <class T>
T must(caf::expected<T> value) {
  if (!value) give_up(text_of(value.error()));
  return std::move(*value);
}
void must(const caf::error& error) {
  if (error) give_up(text_of(error));
}

caf::behavior source(caf::event_based_actor*) {
  return {
      [](put_chunk_atom, uint64_t count) {
        return packed_page{1, bytes(count, 0x5a)};
      },
      [](put_chunk_atom, const packed_page& page) { return uint64_t{page.data.size()}; },
  };
}

std::unique_ptr<cluster::node_links> open_links(caf::actor_system& system, const std::string& node,
                                                const fs::path& folder) {
  cluster::node_links::options with;
  with.node = node;
  with.listen = "127.0.0.1:0";
  with.folder = folder;
  with.factory = [&system](const cluster::link_facts&) {
    return caf::actor_cast<caf::strong_actor_ptr>(system.spawn(source));
  };
  return must(cluster::node_links::open(system, std::move(with)));
}

/// The other process: says where it listens, and serves until its input ends.
int serve(const fs::path& folder) {
  node_config config{service_node(2)};
  caf::actor_system system{config};
  auto links = open_links(system, "far", folder);
  std::printf("%s\n", links->address().c_str());
  std::fflush(stdout);
  char byte;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  links->stop();
  return 0;
}

/// Seconds for `total` bytes in pages; `pull`: they come as answers, else they go as requests.
double exchange(caf::actor_system& system, const caf::actor& far, size_t total, bool pull) {
  caf::scoped_actor self{system};
  const size_t pages = total / page_bytes;
  const packed_page page{1, bytes(page_bytes, 0xa5)};
  size_t sent = 0;
  auto begin = now_s();
  auto send = [&] {
    ++sent;
    if (pull)
      self->send(far, put_chunk_atom_v, uint64_t{page_bytes});
    else
      self->send(far, put_chunk_atom_v, page);
  };
  while (sent < std::min(window, pages)) send();
  for (size_t got = 0; got < pages; ++got) {
    bool good = false;
    self->receive([&](const packed_page& one) { good = one.data.size() == page_bytes; },
                  [&](uint64_t count) { good = count == page_bytes; },
                  caf::after(20s) >> [] { give_up("no answer"); });
    if (!good) give_up("a page of another size");
    if (sent < pages) send();
  }
  return now_s() - begin;
}

uint16_t free_port() {
  int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    give_up("no free port");
  ::close(fd);
  return ntohs(at.sin_port);
}

/// With an input that stays open and silent, for as long as this process lives.
pid_t begin_shell(const std::string& command) {
  static int silent[2] = {-1, -1};
  if (silent[0] < 0 && ::pipe(silent) != 0) give_up("no pipes");
  auto pid = ::fork();
  if (pid == 0) {
    ::dup2(silent[0], STDIN_FILENO);
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  return pid;
}

double openssl_seconds(const fs::path& folder, size_t total) {
  auto port = std::to_string(free_port());
  auto files = [&](const char* node) {
    auto at = (folder / node / "cluster").string();
    return " -tls1_3 -quiet -cert " + at + "/node.pem -key " + at + "/node.key -CAfile " + at +
           "/ca.pem";
  };
  auto server = begin_shell("exec openssl s_server -accept 127.0.0.1:" + port + " -Verify 1" +
                            files("far") + " >/dev/null 2>&1");
  auto address = "127.0.0.1:" + port;
  for (;;) {
    auto socket = cluster::connect_to(address, std::chrono::steady_clock::now() + 1s);
    if (socket) break;
    if (::waitpid(server, nullptr, WNOHANG) == server) give_up("openssl s_server does not run");
    std::this_thread::sleep_for(10ms);
  }
  auto begin = now_s();
  auto client =
      begin_shell("head -c " + std::to_string(total) + " /dev/zero | openssl s_client -connect " +
                  address + files("near") + " -no_ign_eof >/dev/null 2>&1");
  ::waitpid(client, nullptr, 0);
  auto took = now_s() - begin;
  ::kill(server, SIGTERM);
  ::waitpid(server, nullptr, 0);
  return took;
}

void make_certificates(const fs::path& folder) {
  certificates far{folder / "far" / "cluster"}, near{folder / "near" / "cluster"};
  must(far.make_authority("far"));
  auto request = must(near.request("near"));
  must(near.install(must(far.authority()), must(far.issue(request, "near"))));
}

struct far_process {
  explicit far_process(const fs::path& folder) {
    int in[2], out[2];
    if (::pipe(in) != 0 || ::pipe(out) != 0) give_up("no pipes");
    pid = ::fork();
    if (pid == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      for (int fd : {in[0], in[1], out[0], out[1]}) ::close(fd);
      ::execl("/proc/self/exe", "bench_links", "serve", (folder / "far" / "cluster").c_str(),
              nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    hold = in[1];
    char byte;
    while (::read(out[0], &byte, 1) == 1 && byte != '\n') address += byte;
  }
  ~far_process() {
    ::close(hold);
    ::waitpid(pid, nullptr, 0);
  }
  pid_t pid = 0;
  int hold = -1;
  std::string address;
};

double median(std::vector<double> all) {
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

void measure(const fs::path& folder, size_t total) {
  far_process far{folder};
  node_config config{service_node(2)};
  caf::actor_system system{config};
  auto links = open_links(system, "near", folder / "near" / "cluster");
  auto link = must(links->connect(far.address, "far", 10s));
  auto whom = caf::actor_cast<caf::actor>(link.port);
  auto rate = [&](double seconds) { return static_cast<double>(total) / seconds / 1e6; };
  std::vector<double> pulled, pushed, plain;
  for (int i = 0; i < rounds; ++i) {
    plain.push_back(rate(openssl_seconds(folder, total)));
    pulled.push_back(rate(exchange(system, whom, total, true)));
    pushed.push_back(rate(exchange(system, whom, total, false)));
  }
  auto report = [&](const char* what, const std::vector<double>& all) {
    std::printf("%-44s %7.0f MB/s (%.0f to %.0f)  %.2f\n", what, median(all),
                *std::min_element(all.begin(), all.end()),
                *std::max_element(all.begin(), all.end()), median(all) / median(plain));
  };
  std::printf("%zu MB, pages of 1 MiB, %zu in flight; last column: beside openssl\n",
              total / 1'000'000, window);
  report("openssl s_client to s_server", plain);
  report("link between nodes, pages as answers", pulled);
  report("link between nodes, pages as requests", pushed);
  links->stop();
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  if (argc == 3 && std::string{argv[1]} == "serve") return serve(argv[2]);
  const char* wanted = std::getenv("BENCH_LINK_BYTES");
  size_t total = wanted ? std::strtoull(wanted, nullptr, 10) : size_t{1} << 30;
  char name[] = "/tmp/et-bench-links-XXXXXX";
  if (!::mkdtemp(name)) give_up("no folder");
  make_certificates(name);
  measure(name, total);
  fs::remove_all(name);
  return 0;
}
