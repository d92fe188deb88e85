import CodexCore
import CodexStore

/// What a store holds, as lines that a test compares a later release's reading with.
///
/// Each line is an item in DynamoDB JSON whose attribute `kind` says what it is of.
enum FixtureContents {
    /// Every item, by table and in the order of keys, and every group of every counter.
    static func lines(of store: Store) throws -> [String] {
        var lines: [String] = []
        for table in store.schema.tables.sorted(by: { $0.name < $1.name }) {
            for item in try store.items(scanning: TableScan(table: table.name)).items {
                lines.append(
                    line("item", ["table": .string(table.name), "item": .map(item)]))
            }
            for counter in table.counters {
                for total in try store.totals(of: counter.name, in: table.name) {
                    lines.append(line(total, counter.name, table.name))
                }
            }
        }
        return lines
    }

    private static func line(_ total: GroupTotal, _ counter: String, _ table: String) -> String {
        var (sums, summed) = (AttributeMap(), AttributeMap())
        for (name, sum) in total.sums { sums[name] = .number(sum) }
        for (name, count) in total.summedCounts { summed[name] = .number(Number(count)) }
        return line(
            "total",
            [
                "table": .string(table), "counter": .string(counter),
                "group": .list(total.group), "count": .number(Number(total.count)),
                "sums": .map(sums), "summed": .map(summed),
            ])
    }

    /// The lines of requests that were done.
    static func lines(_ requests: [FixtureValues.Request]) -> [String] {
        requests.map { request in
            line(
                "token",
                [
                    "token": .string(request.token), "table": .string(request.table),
                    "item": .map(request.item),
                ])
        }
    }

    static func line(_ kind: String, _ fields: Item) -> String {
        var fields = fields
        fields["kind"] = .string(kind)
        return DynamoDBJSON.text(fields)
    }

    static func text(_ lines: [String]) -> String { lines.map { $0 + "\n" }.joined() }
}
