#include "models/tiering/child_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include <poll.h>

namespace tiercast::tiering {

namespace {

// Address space; pages are taken as they are used.
constexpr std::size_t kMemoryBytes = std::size_t{1} << 28;
constexpr std::size_t kOrderBytes = 64;

// The time a stopped process spends is nobody's fault, so the limit is counted in slices that
// somebody was awake for.
constexpr int kSlices = 10;

int slice_ms(int64_t limit_ns) {
  if (limit_ns == 0) return -1;
  return static_cast<int>(std::clamp<int64_t>(limit_ns / kSlices / 1'000'000, 1, INT_MAX));
}

std::runtime_error no_child(const std::string& what) {
  return std::runtime_error("cannot isolate plug-ins: " + what + ": " + std::strerror(errno));
}

bool receive(int socket) {
  char byte = 0;
  ssize_t got = 0;
  do {
    got = read(socket, &byte, 1);
  } while (got < 0 && errno == EINTR);
  return got == 1;
}

// MSG_NOSIGNAL: that the other side has gone is an answer, no reason to die.
bool send_byte(int socket) {
  const char byte = 0;
  return send(socket, &byte, 1, MSG_NOSIGNAL) == 1;
}

}  // namespace

ChildProcess::ChildProcess(int64_t call_limit_ns) : call_limit_ns_(call_limit_ns) {
  void* memory = mmap(nullptr, kMemoryBytes, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw no_child("shared memory");
  memory_ = static_cast<std::byte*>(memory);
  std::array<int, 2> sockets{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    munmap(memory_, kMemoryBytes);
    throw no_child("a socket");
  }
  std::fflush(nullptr);  // what is written so far is not written again by the child
  const int parent = getpid();
  const int child = fork();
  if (child == 0) {
    close(sockets[0]);
    serve(sockets[1], parent);
  }
  close(sockets[1]);
  socket_ = sockets[0];
  child_ = child;
  if (child > 0) return;
  end();
  throw no_child("a process");
}

ChildProcess::~ChildProcess() { end(); }

void ChildProcess::serve(int socket, int parent) {
  // exit() must not run what this program does at its end.
  on_exit([](int status, void*) { _exit(status); }, nullptr);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);  // it died before it could be watched
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM}) {
    std::signal(signal, SIG_DFL);
  }
  while (receive(socket)) {
    const auto* order = reinterpret_cast<const Order*>(memory_);
    order->function(order->work);
    if (!send_byte(socket)) break;
  }
  _exit(0);
}

void* ChildProcess::take(std::size_t count, std::size_t size) {
  if (is_lost()) throw ChildLost("its process has ended before");
  const std::size_t room = kMemoryBytes - kOrderBytes - used_;
  if (count > (room - kAlignment) / size) {
    throw ChildLost("more arguments than the " + std::to_string(kMemoryBytes >> 20) +
                    " MiB that isolated plug-ins share with their host");
  }
  std::byte* at = memory_ + kOrderBytes + used_;
  used_ += (count * size + kAlignment - 1) / kAlignment * kAlignment;
  return at;
}

void ChildProcess::run_raw(Function function, void* work) {
  new (memory_) Order{function, work};
  if (!send_byte(socket_)) lose(how_it_ended());
  wait_for_answer();
}

void ChildProcess::wait_for_answer() {
  pollfd answer{socket_, POLLIN, 0};
  for (int slice = 0; slice < kSlices;) {
    const int ready = poll(&answer, 1, slice_ms(call_limit_ns_));
    if (ready > 0) {
      if (!receive(socket_)) lose(how_it_ended());
      return;
    }
    if (ready == 0) ++slice;
    if (ready < 0 && errno != EINTR) lose(std::string("poll: ") + std::strerror(errno));
  }
  lose("no answer within " + std::to_string(call_limit_ns_ / 1'000'000) + " ms");
}

void ChildProcess::lose(const std::string& why) {
  end();
  throw ChildLost(why);
}

// Its end of the socket is closed, which happens as it ends. Whoever closes it and lives on is
// ended; of one that ends already its own reason counts.
std::string ChildProcess::how_it_ended() {
  int status = 0;
  const int child = std::exchange(child_, -1);
  kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return std::string("its process is lost: ") + std::strerror(errno);
  }
  if (WIFEXITED(status)) {
    return "its process exited with code " + std::to_string(WEXITSTATUS(status));
  }
  const int signal = WTERMSIG(status);
  return "its process was ended by signal " + std::to_string(signal) + " (" + strsignal(signal) +
         ")";
}

void ChildProcess::end() {
  const int child = std::exchange(child_, -1);
  if (child > 0) {
    kill(child, SIGKILL);
    while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  if (socket_ >= 0) close(std::exchange(socket_, -1));
  if (memory_ != nullptr) munmap(std::exchange(memory_, nullptr), kMemoryBytes);
}

}  // namespace tiercast::tiering
