#pragma once

#include <cstdint>
#include <vector>

#include "benches/peers/csr_graph.hpp"

namespace spacemoe::benches {

/// Blocked Floyd-Warshall: all pairs in N^3 additions and minima, at close to the rate at which the processor
/// can do these.
class FloydWarshall {
 public:
  explicit FloydWarshall(CsrGraph const& graph)
      : graph_(graph), blocks_((graph.nodes() + block - 1) / block), matrix_(blocks_ * block * row()) {}

  void run() {
    fill();
    for (std::size_t k = 0; k < blocks_; ++k) {
      close_diagonal(k);
      for (std::size_t j = 0; j < blocks_; ++j) {
        if (j != k) improve(k, j, k);
      }
      for (std::size_t i = 0; i < blocks_; ++i) {
        if (i == k) continue;
        improve(i, k, k);
        for (std::size_t j = 0; j < blocks_; ++j) {
          if (j != k) improve(i, j, k);
        }
      }
    }
  }

  std::uint32_t at(std::size_t from, std::size_t to) const {
    return matrix_[from * row() + to / lanes].lane[to % lanes];
  }

 private:
  static constexpr std::size_t lanes = 16;
  static constexpr std::size_t block = 64;
  static constexpr std::size_t vectors = block / lanes;
  static constexpr std::size_t rows_at_once = 4;  ///< with four vectors each, 16 registers

  typedef std::uint32_t Lanes __attribute__((vector_size(4 * lanes)));
  struct Vector {
    Lanes lane;
  };

  std::size_t row() const { return blocks_ * vectors; }
  Vector* at_block(std::size_t i, std::size_t j) { return &matrix_[i * block * row() + j * vectors]; }

  static Lanes least(Lanes a, Lanes b) { return a < b ? a : b; }

  void fill() {
    for (auto& v : matrix_) v.lane = Lanes{} + CsrGraph::unreachable;
    for (std::size_t node = 0; node < graph_.nodes(); ++node) {
      matrix_[node * row() + node / lanes].lane[node % lanes] = 0;
      for (std::size_t i = graph_.first[node]; i < graph_.first[node + 1]; ++i) {
        std::size_t const to = graph_.neighbor[i];
        matrix_[node * row() + to / lanes].lane[to % lanes] = graph_.latency[i];
      }
    }
  }

  void close_diagonal(std::size_t b) {
    Vector* const d = at_block(b, b);
    for (std::size_t k = 0; k < block; ++k) {
      for (std::size_t i = 0; i < block; ++i) {
        std::uint32_t const way = d[i * row() + k / lanes].lane[k % lanes];
        for (std::size_t v = 0; v < vectors; ++v) {
          Lanes& target = d[i * row() + v].lane;
          target = least(target, d[k * row() + v].lane + way);
        }
      }
    }
  }

  /// target(i, j) = min(target, left(i, k) + right(k, j)); may overlap where the diagonal block is a factor,
  /// since that one is closed.
  void improve(std::size_t i, std::size_t j, std::size_t k) {
    for (std::size_t r = 0; r < block; r += rows_at_once) {
      improve_rows(at_block(i, j) + r * row(), at_block(i, k) + r * row(), at_block(k, j));
    }
  }

  void improve_rows(Vector* target, Vector const* left, Vector const* right) const {
    Lanes best[rows_at_once][vectors];
    for (std::size_t r = 0; r < rows_at_once; ++r) {
      for (std::size_t v = 0; v < vectors; ++v) best[r][v] = target[r * row() + v].lane;
    }
    for (std::size_t k = 0; k < block; ++k) {
      for (std::size_t r = 0; r < rows_at_once; ++r) {
        std::uint32_t const way = reinterpret_cast<std::uint32_t const*>(left + r * row())[k];
        for (std::size_t v = 0; v < vectors; ++v) {
          best[r][v] = least(best[r][v], right[k * row() + v].lane + way);
        }
      }
    }
    for (std::size_t r = 0; r < rows_at_once; ++r) {
      for (std::size_t v = 0; v < vectors; ++v) target[r * row() + v].lane = best[r][v];
    }
  }

  CsrGraph const& graph_;
  std::size_t blocks_;
  std::vector<Vector> matrix_;  ///< [row][vector], filled up to whole blocks with unreachable nodes
};

}  // namespace spacemoe::benches
