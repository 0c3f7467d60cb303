#pragma once

#include <cassert>
#include <cstddef>
#include <type_traits>

#include "kernels/function.hpp"

namespace spacemoe {

/// A view of `size` consecutive elements; std::span's subset that device code may use without compiler flags.
template <class T>
class Span {
 public:
  constexpr Span() = default;
  SPACEMOE_FN constexpr Span(T* data, std::size_t size) : data_(data), size_(size) {}

  /// From any contiguous container; elements may gain const, never lose it.
  template <class Container>
  requires std::is_convertible_v<decltype(std::declval<Container&>().data()), T*>
  constexpr Span(Container&& container)
      : data_(container.data()), size_(container.size()) {}  // NOLINT: a view

  SPACEMOE_FN constexpr T& operator[](std::size_t i) const {
    assert(i < size_);
    return data_[i];
  }
  SPACEMOE_FN constexpr T* data() const { return data_; }
  SPACEMOE_FN constexpr std::size_t size() const { return size_; }
  SPACEMOE_FN constexpr bool empty() const { return size_ == 0; }
  SPACEMOE_FN constexpr T* begin() const { return data_; }
  SPACEMOE_FN constexpr T* end() const { return data_ + size_; }

  SPACEMOE_FN constexpr Span subspan(std::size_t offset, std::size_t count) const {
    assert(offset + count <= size_);
    return {data_ + offset, count};
  }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace spacemoe
