#if DEBUG || FUZZING
    internal import CodexCore
    internal import CodexIndex
    @testable import CodexStore
    internal import FoundationEssentials

    extension FuzzTarget {
        /// A store's manifest and a consumer's state: refused, or written as they are read.
        static let manifests = FuzzTarget(
            "manifests",
            words: [
                "\"format\":", "\"storeID\":", "\"schema\":", "\"tables\":", "\"entities\":",
                "\"number\":", "\"slot\":", "\"indexes\":", "\"counters\":", "\"states\":",
                "\"retired\":", "\"part\":", "\"dropped\":", "\"lastNumber\":", "\"undecided\":",
                "\"partitionKey\":", "\"sortKey\":", "\"timeToLive\":", "9223372036854775807",
            ],
            seeds: ManifestFuzzing.seeds, check: ManifestFuzzing.check)
    }

    private enum ManifestFuzzing {
        private static let schema = Schema(tables: [
            TableDefinition(
                "t", partitionKey: KeyAttribute("p"), sortKey: KeyAttribute("n", .number),
                indexes: [
                    IndexDefinition(
                        "byS", partitionKey: [KeyAttribute("s")],
                        sortKey: [KeyAttribute("n", .number)])
                ],
                counters: [
                    CounterDefinition("sums", group: [KeyAttribute("s")], sums: ["amount"])
                ],
                timeToLive: "until")
        ])

        static func seeds() throws -> [[UInt8]] {
            var seeds: [[UInt8]] = []
            for schema in [Self.schema, Schema(tables: []), CodexFlow.schema] {
                let manifest = Manifest(schema: schema)
                // A corpus is the same each time that it is made.
                let text = String(decoding: try manifest.json(), as: UTF8.self)
                    .replacing(manifest.storeID.uuidString, with: SampleStore.idText)
                seeds.append(Array(text.utf8))
            }
            let consumer = Consumer(filter: .all, after: SequenceNumber(commit: 7), now: 1)
            let sorted = DynamoDBJSON.plainText(
                try DynamoDBJSON.item(parsingPlain: try consumer.json()))
            return seeds + [Array(sorted.utf8)]
        }

        static func check(_ bytes: [UInt8]) {
            if let consumer = try? Consumer(json: bytes) {
                let json = mustSucceed("a consumer is written") { try consumer.json() }
                let again = mustSucceed("a written consumer is read") { try Consumer(json: json) }
                require(
                    again.commit == consumer.commit && again.ordinal == consumer.ordinal,
                    "a consumer is written as it was read")
            }
            guard var manifest = try? ManifestCoding.manifest(bytes) else { return }
            for table in manifest.schema.tables { _ = TablePlan(table) }
            checkCoding(manifest)
            // What is written after a change must be readable too.
            if (try? manifest.merge(schema)) == true { checkCoding(manifest) }
        }

        private static func checkCoding(_ manifest: Manifest) {
            let json = mustSucceed("a manifest is written") { try manifest.json() }
            // The first reading of an earlier format marks tables whose values must be decided.
            let read = mustSucceed("a written manifest is read") {
                try ManifestCoding.manifest(json).json()
            }
            let again = mustSucceed("a manifest is read again") {
                try ManifestCoding.manifest(read).json()
            }
            require(again == read, "a manifest is written as it was read")
        }
    }
#endif
