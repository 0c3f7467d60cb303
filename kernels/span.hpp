#pragma once

#include <cassert>
#include <cstddef>
#include <type_traits>

#include "kernels/function.hpp"

namespace spacemoe {

/// A view of `size` consecutive elements; std::span's subset that device code may use without compiler flags.
template <class T>
class Span {
  template <class Container>
  static constexpr bool is_container = !std::is_same_v<std::remove_cvref_t<Container>, Span> &&
                                       std::is_convertible_v<decltype(std::declval<Container&>().data()), T*>;

 public:
  constexpr Span() = default;
  SPACEMOE_FN constexpr Span(T* data, std::size_t size) : data_(data), size_(size) {}

  /// From a span of elements that lack only const.
  template <class U>
  SPACEMOE_FN constexpr Span(Span<U> other) requires std::is_convertible_v<U (*)[], T (*)[]>
      : data_(other.data()), size_(other.size()) {}  // NOLINT: a view

  /// From any other contiguous container; elements may gain const, never lose it.
  template <class Container>
  requires is_container<Container>
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
