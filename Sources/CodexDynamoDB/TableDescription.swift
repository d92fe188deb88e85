internal import CodexCore
internal import CodexStore

/// The descriptions of tables, in DescribeTable and other operations.
extension DynamoDBService {
    /// Describes a table in a member of a response.
    ///
    /// - Parameters:
    ///   - table: The table.
    ///   - record: Its settings.
    ///   - name: The member's name.
    ///   - status: The table's status.
    ///   - indexStatuses: The statuses of global indexes that change, by name.
    ///   - budget: The request's budget; without limits for a request that has changed something.
    ///   - response: The response.
    /// - Throws: ``ServiceError/outOfTime``, and the errors of the store.
    func describe(
        _ table: TableDefinition, _ record: TableRecord, _ name: String, status: String = "ACTIVE",
        indexStatuses: [String: String] = [:], within budget: RequestBudget = RequestBudget(),
        _ response: inout ResponseWriter
    ) throws {
        let sizes = try TreeSizes(store, table, within: budget)
        let building = try store.buildStatus().filter {
            $0.table == table.name && $0.kind == .index && $0.state != .ready
        }
        let statuses = Dictionary(building.map { ($0.name, "CREATING") }) { $1 }
            .merging(indexStatuses) { $1 }
        response.object(name) { description in
            describeState(of: record, status, sizes, to: &description)
            description.member("CreationDateTime") { $0.raw(Self.seconds(record.createdAt)) }
            Self.describeKeys(table, to: &description)
            describeSettings(of: record, to: &description)
            let local = table.indexes.filter { record.localIndexes.contains($0.name) }
            if !local.isEmpty {
                description.objects("LocalSecondaryIndexes", local) { entry, index in
                    describe(index, record, sizes, to: &entry)
                }
            }
            let global = table.indexes.filter { !record.localIndexes.contains($0.name) }
            if !global.isEmpty {
                description.objects("GlobalSecondaryIndexes", global) { entry, index in
                    describe(index, record, sizes, to: &entry)
                    entry.string("IndexStatus", statuses[index.name] ?? "ACTIVE")
                    if building.contains(where: { $0.name == index.name }) {
                        entry.member("Backfilling") { $0.raw("true") }
                    }
                    describeThroughput(of: index.name, record, to: &entry)
                }
            }
            describeStream(of: record, to: &description)
        }
    }

    /// Describes a table that is being deleted, as AWS does with few members.
    func describeDeleted(
        _ table: TableDefinition, _ record: TableRecord, _ response: inout ResponseWriter
    ) throws {
        // Its indexes are not described.
        let sizes = try TreeSizes(store, table, of: [], within: RequestBudget())
        response.object("TableDescription") { description in
            describeState(of: record, "DELETING", sizes, to: &description)
            description.member("ProvisionedThroughput") {
                $0.provisioned(record.throughput, at: milliseconds)
            }
            Self.describeBilling(record, to: &description)
            description.member("DeletionProtectionEnabled") { $0.raw("\(record.isProtected)") }
        }
    }

    private func describeState(
        of record: TableRecord, _ status: String, _ sizes: TreeSizes,
        to description: inout ResponseWriter
    ) {
        description.string("TableName", record.name)
        description.string("TableStatus", status)
        description.string("TableArn", arn(record.name))
        description.string("TableId", record.id)
        description.number("ItemCount", sizes[nil].count)
        description.number("TableSizeBytes", sizes[nil].byteCount)
    }

    private static func describeKeys(
        _ table: TableDefinition, to description: inout ResponseWriter
    ) {
        description.member("KeySchema") {
            $0.keySchema([table.partitionKey], table.sortKey.map { [$0] } ?? [])
        }
        var attributes: [KeyAttribute] = []
        for attribute in table.keyAttributes + table.indexes.flatMap(\.keyAttributes)
        where !attributes.contains(attribute) {
            attributes.append(attribute)
        }
        attributes.sort { ByteOrder.compare($0.name, $1.name) < 0 }
        description.list("AttributeDefinitions", attributes) { writer, attribute in
            writer.raw("{\"AttributeName\":")
            writer.string(attribute.name)
            writer.raw(",\"AttributeType\":\"\(attribute.type.rawValue)\"}")
        }
    }

    private func describeSettings(
        of record: TableRecord, to description: inout ResponseWriter
    ) {
        describeThroughput(of: nil, record, to: &description)
        Self.describeBilling(record, to: &description)
        description.member("DeletionProtectionEnabled") { $0.raw("\(record.isProtected)") }
        if let tableClass = record.tableClass {
            description.object("TableClassSummary") { summary in
                summary.string("TableClass", tableClass.rawValue)
                if let instant = record.classChangedAt {
                    summary.member("LastUpdateDateTime") { $0.raw(Self.seconds(instant)) }
                }
            }
        }
        if let key = record.encryptionKey {
            description.object("SSEDescription") { encryption in
                encryption.string("Status", "ENABLED")
                encryption.string("SSEType", "KMS")
                encryption.string("KMSMasterKeyArn", key)
            }
        }
    }

    /// Describes the throughput of a global index, or of the table itself.
    private func describeThroughput(
        of index: String?, _ record: TableRecord, to description: inout ResponseWriter
    ) {
        let throughput = index.map { record[index: $0] } ?? record.throughput
        description.member("ProvisionedThroughput") {
            $0.provisioned(throughput, at: milliseconds)
        }
        if let limits = throughput.onDemand {
            description.member("OnDemandThroughput") { $0.onDemand(limits) }
        }
        description.member("WarmThroughput") {
            $0.warm(throughput.warm(isOnDemand: record.isOnDemand))
        }
    }

    private static func describeBilling(
        _ record: TableRecord, to description: inout ResponseWriter
    ) {
        guard record.isOnDemand || record.onDemandSince != nil else { return }
        description.object("BillingModeSummary") { summary in
            summary.string("BillingMode", record.billingMode)
            summary.member("LastUpdateToPayPerRequestDateTime") {
                $0.raw(seconds(record.onDemandSince ?? record.createdAt))
            }
        }
    }

    /// Describes what local and global indexes have in common.
    private func describe(
        _ index: IndexDefinition, _ record: TableRecord, _ sizes: TreeSizes,
        to entry: inout ResponseWriter
    ) {
        entry.string("IndexName", index.name)
        entry.member("KeySchema") { $0.keySchema(index.partitionKey, index.sortKey) }
        entry.member("Projection") { $0.projection(index.projection) }
        entry.string("IndexArn", arn(record.name) + "/index/\(index.name)")
        entry.number("ItemCount", sizes[index.name].count)
        entry.number("IndexSizeBytes", sizes[index.name].byteCount)
    }

    private func describeStream(
        of record: TableRecord, to description: inout ResponseWriter
    ) {
        guard let stream = record.stream else { return }
        if stream.isEnabled {
            description.member("StreamSpecification") {
                $0.raw("{\"StreamEnabled\":true,\"StreamViewType\":\"\(stream.view.rawValue)\"}")
            }
        }
        description.string("LatestStreamLabel", stream.label)
        description.string("LatestStreamArn", streamARN(record.name, stream))
    }

    /// Milliseconds as seconds with a fraction; an instant before 1970 counts as 1970.
    static func seconds(_ milliseconds: Int) -> String {
        let milliseconds = max(0, milliseconds)
        let rest = milliseconds % 1000
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - "\(rest)".count)
            + "\(rest)"
    }
}
