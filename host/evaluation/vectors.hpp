#pragma once

#include <cstddef>

namespace spacemoe {

/// Doubles in a register of `bytes` bytes.
template <std::size_t bytes>
struct RegisterOf;
template <>
struct RegisterOf<16> {
  using Type [[gnu::vector_size(16)]] = double;
};
template <>
struct RegisterOf<32> {
  using Type [[gnu::vector_size(32)]] = double;
};
template <>
struct RegisterOf<64> {
  using Type [[gnu::vector_size(64)]] = double;
};

}  // namespace spacemoe
