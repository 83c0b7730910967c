// Tables of measurements, and all that may be wrong with them.

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/calibration/labels.hpp"
#include "models/calibration/measured_table.hpp"
#include "models/calibration/operator_tables.hpp"
#include "sim/base/hash.hpp"

using namespace tiercast;
using namespace tiercast::calibration;

namespace {

std::optional<MeasuredTable> read(const std::string& text, Diagnostics& found) {
  return MeasuredTable::read(workload::open_bytes(text), "t.csv", found);
}

// Everything reported of a table, line by line.
std::string faults(const std::string& text) {
  Diagnostics found;
  CHECK_FALSE(read(text, found));
  CHECK(found.has_errors());
  return found.render();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a table's columns are found by name and its cells by place") {
  Diagnostics found;
  const auto table = read("m,Latency MS,kind\n1, 2.5 ,a\n\n3,4e-1,\"b, c\"\n", found);
  REQUIRE(table);
  CHECK(table->rows() == 2);
  CHECK(table->column("latency_ms") == 1);
  CHECK_FALSE(table->column("k"));
  CHECK(table->number(0, 1, 0, 10, found) == 2.5);
  CHECK(table->number(1, 1, 0, 10, found) == 0.4);
  CHECK(table->text(1, 2) == "b, c");
  CHECK(table->place(1).line == 4);
  CHECK(found.error_count() == 0);
  const std::array<std::string_view, 2> names{"kind", "M"};
  CHECK(table->has(names));
}

TEST_CASE("the hash is of the content, as xxhsum prints it") {
  // printf 'a,b\n1,2\n' | xxhsum -H64
  Diagnostics found;
  const auto one = read("a,b\n1,2\n", found);
  const auto other = read("a,b\n1,3\n", found);
  REQUIRE(one);
  REQUIRE(other);
  StreamHash hash;
  hash.add_bytes("a,b\n1,2\n", 8);
  CHECK(one->content_hash() == hash.digest64());
  CHECK(one->content_hash() != other->content_hash());
}

TEST_CASE("tables that are none are told so with their line") {
  CHECK(has(faults(""), "t.csv: error: the file is empty"));
  CHECK(has(faults("a,b\n"), "t.csv: error: no row but a header"));
  CHECK(has(faults("a,b\n1\n2,3\n"), "t.csv:2: error: the line has 1 columns, the header 2"));
  CHECK(has(faults("a,b\n1,2,3\n"), "t.csv:2: error: the line has 3 columns, the header 2"));
  CHECK(has(faults("a,A \n1,2\n"), "t.csv:1: error: the header names the column `A ` twice"));
  CHECK(has(faults("a,b\n1,\"2\n"), "t.csv:2: error: a quote is not closed"));
  CHECK(has(faults("a\n" + std::string(70'000, 'x')), "t.csv:2: error: the line is longer"));
  CHECK(has(faults(std::string("\x1F\x8B\x08garbage", 10)), "error: "));
  Diagnostics found;
  CHECK_FALSE(MeasuredTable::read("no/such/file.csv", found));
  CHECK(has(found.render(), "no/such/file.csv: error: No such file"));
}

TEST_CASE("cells that are no numbers stand as the least and are reported") {
  Diagnostics found;
  const auto table = read("a\nx\n\nnan\ninf\n1e400\n-1\n2000\n1 2\n0x10\n\"\"\n", found);
  REQUIRE(table);
  for (std::size_t row = 0; row < table->rows(); ++row) {
    CHECK(table->number(row, 0, 1, 1000, found) == 1);
  }
  CHECK(found.error_count() == table->rows());
  const std::string text = found.render();
  CHECK(has(text, "t.csv:2: error: `a` `x` is not a number"));
  CHECK(has(text, "t.csv:4: error: `a` `nan` is not a number"));
  CHECK(has(text, "t.csv:7: error: `a` `-1` must be at least 1"));
  CHECK(has(text, "t.csv:8: error: `a` `2000` must be at most 1000"));
  CHECK(has(text, "t.csv:11: error: `a` is empty"));
}

TEST_CASE("rows can be chosen by what a column holds") {
  Diagnostics found;
  auto table = read("id,v\nab,1\nbc,2\ncd,3\n", found);
  REQUIRE(table);
  table->keep("ID", "b", found);
  REQUIRE(table->rows() == 2);
  CHECK(table->text(1, 1) == "2");
  CHECK(table->place(1).line == 3);
  table->keep("idx", "b", found);
  table->keep("id", "z", found);
  const std::string text = found.render();
  CHECK(has(text, "t.csv:1: error: no column `idx`"));
  CHECK(has(text, "did you mean `id`?"));
  CHECK(has(text, "t.csv: error: no row whose `id` holds `z`"));
}

TEST_CASE("operator tables are known by their headers, whatever the file is called") {
  const auto kind = [](const std::string& header, Diagnostics& found) {
    const std::string row(static_cast<std::size_t>(std::count(header.begin(), header.end(), ',')),
                          ',');
    const auto table = read(header + "\n" + row + "1\n", found);
    REQUIRE(table);
    return kind_of(*table, found);
  };
  Diagnostics found;
  CHECK(kind("n,gemm_dtype,m,k,latency_ms", found) == OperatorTable::gemm);
  CHECK(kind("kernel_source,batch_size,isl,num_heads,num_key_value_heads,head_dim,attn_dtype,"
             "kv_cache_dtype,step,latency_ms",
             found) == OperatorTable::attention);
  CHECK(kind("op_name,nccl_dtype,num_gpus,message_size,latency_ms", found) == OperatorTable::nccl);
  CHECK(found.warning_count() == 0);
  CHECK_FALSE(kind("gemm_dtype,m,n,latency_ms", found));
  CHECK(has(found.render(), "for a table of kind gemm it lacks `k`"));
  Diagnostics other;
  CHECK_FALSE(kind("a,b", other));
  CHECK(has(other.render(), "kinds: gemm, attention"));
}

TEST_CASE("sizes fall into classes of powers of four") {
  CHECK(size_class(1) == "1");
  CHECK(size_class(2) == "2 to 4");
  CHECK(size_class(4) == "2 to 4");
  CHECK(size_class(5) == "5 to 16");
  CHECK(size_class(16384) == "4097 to 16384");
}
