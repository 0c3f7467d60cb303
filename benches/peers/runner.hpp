#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

// What the programs that compete share: they live through a whole comparison, so that start-up is not timed,
// and answer one request a line. Files are raw arrays in the working folder.

namespace spacemoe::benches {

using Words = std::vector<std::string>;
using Commands = std::map<std::string, std::function<std::string(Words const& arguments)>>;

/// Answers requests `command argument...` on standard input until it ends, each by a line `ok RESULT` or
/// `error WHAT`.
inline int answer_requests(Commands const& commands) {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    Words arguments;
    for (std::string word; words >> word;) arguments.push_back(word);
    try {
      std::cout << "ok " << commands.at(command)(arguments) << std::endl;
    } catch (std::exception const& failure) {
      std::cout << "error " << line << ": " << failure.what() << std::endl;
    }
  }
  return 0;
}

template <class... Values>
std::string joined(Values const&... values) {
  std::ostringstream text;
  text.precision(17);
  ((text << values << ' '), ...);
  return text.str();
}

/// A clock [s].
using Clock = double (*)();

/// Time that this process has spent on a core: unlike the time on the wall, other work on the machine hardly
/// lengthens it. For what runs on one thread.
inline double processor_clock() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

inline double wall_clock() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Median time [s] of `work`, repeated for at least `least_s`.
template <class Work>
double median_seconds(Clock clock, double least_s, Work work) {
  std::vector<double> seconds;
  double const start = clock();
  do {
    double const one = clock();
    work();
    seconds.push_back(clock() - one);
  } while (clock() - start < least_s);
  auto const middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::nth_element(seconds.begin(), middle, seconds.end());
  return *middle;
}

template <class T>
void write_array(std::string const& file, T const* data, std::size_t size) {
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<char const*>(data), static_cast<std::streamsize>(size * sizeof(T)));
  if (!out.flush()) throw std::runtime_error("cannot write " + file);
}

template <class T>
std::vector<T> read_array(std::string const& file) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) throw std::runtime_error("cannot read " + file);
  std::vector<T> array(static_cast<std::size_t>(in.tellg()) / sizeof(T));
  in.seekg(0);
  in.read(reinterpret_cast<char*>(array.data()), static_cast<std::streamsize>(array.size() * sizeof(T)));
  return array;
}

/// Writes every `step`-th row of a result [source][node], latencies in ns, for the others to be compared
/// with.
inline void write_rows(std::string const& file, std::vector<std::uint32_t> const& rows, std::size_t nodes,
                       std::size_t step) {
  std::vector<std::uint32_t> chosen;
  for (std::size_t first = 0; first < rows.size(); first += step * nodes) {
    auto const row = rows.begin() + static_cast<std::ptrdiff_t>(first);
    chosen.insert(chosen.end(), row, row + static_cast<std::ptrdiff_t>(nodes));
  }
  write_array(file, chosen.data(), chosen.size());
}

}  // namespace spacemoe::benches
