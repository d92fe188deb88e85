internal import CodexCore

extension RemoteTableDesign {
    /// The JSON of the CreateTable that creates the table, billed by request.
    public var creation: String { JSONNode.object(settings(isRequest: true)).oneLineText }

    /// The JSON of the UpdateTimeToLive that follows the creation; `nil` if items do not expire.
    public var timeToLiveRequest: String? {
        guard let specification = timeToLive else { return nil }
        return JSONNode.object([
            (name: "TableName", value: .string(table.name)),
            (name: "TimeToLiveSpecification", value: specification),
        ]).oneLineText
    }

    /// A template of CloudFormation with the table.
    public var cloudFormation: String {
        var properties = settings(isRequest: false)
        if let timeToLive {
            properties.append((name: "TimeToLiveSpecification", value: timeToLive))
        }
        let resource = JSONNode.object([
            (name: "Type", value: .string("AWS::DynamoDB::Table")),
            // The deletion of the stack must not delete the data.
            (name: "DeletionPolicy", value: .string("Retain")),
            (name: "UpdateReplacePolicy", value: .string("Retain")),
            (name: "Properties", value: .object(properties)),
        ])
        let letters = table.name.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
        let logicalName = "Table" + letters
        return JSONNode.object([
            (name: "AWSTemplateFormatVersion", value: .string("2010-09-09")),
            (name: "Resources", value: .object([(name: logicalName, value: resource)])),
        ]).indentedText
    }

    // MARK: Parts of requests

    /// What a request and a template have in common.
    private func settings(isRequest: Bool) -> [(name: String, value: JSONNode)] {
        var members: [(name: String, value: JSONNode)] = [
            (name: "TableName", value: .string(table.name))
        ]
        members += keys
        members += indexes
        members.append((name: "BillingMode", value: .string("PAY_PER_REQUEST")))
        members += stream(isRequest: isRequest)
        return members
    }

    private var keys: [(name: String, value: JSONNode)] {
        let attributes = keyAttributes.map { attribute in
            JSONNode.object([
                (name: "AttributeName", value: .string(attribute.name)),
                (name: "AttributeType", value: .string(attribute.type.rawValue)),
            ])
        }
        let schema = Self.keySchema([table.partitionKey], table.sortKey.map { [$0] } ?? [])
        return [
            (name: "AttributeDefinitions", value: .array(attributes)),
            (name: "KeySchema", value: schema),
        ]
    }

    /// The attributes of all keys, each once, by name.
    private var keyAttributes: [KeyAttribute] {
        let all = Set(table.keyAttributes + table.indexes.flatMap(\.keyAttributes))
        return all.sorted { ByteOrder.compare($0.name, $1.name) < 0 }
    }

    private static func keySchema(
        _ partition: [KeyAttribute], _ sort: [KeyAttribute]
    ) -> JSONNode {
        func element(_ attribute: KeyAttribute, _ type: String) -> JSONNode {
            .object([
                (name: "AttributeName", value: .string(attribute.name)),
                (name: "KeyType", value: .string(type)),
            ])
        }
        return .array(partition.map { element($0, "HASH") } + sort.map { element($0, "RANGE") })
    }

    private var indexes: [(name: String, value: JSONNode)] {
        guard !table.indexes.isEmpty else { return [] }
        let nodes = table.indexes.map { index in
            var projection: [(name: String, value: JSONNode)] = [
                (name: "ProjectionType", value: .string(index.projection.protocolName))
            ]
            if case .include(let names) = index.projection {
                projection.append(
                    (name: "NonKeyAttributes", value: .array(names.map { .string($0) })))
            }
            return JSONNode.object([
                (name: "IndexName", value: .string(index.name)),
                (name: "KeySchema", value: Self.keySchema(index.partitionKey, index.sortKey)),
                (name: "Projection", value: .object(projection)),
            ])
        }
        return [(name: "GlobalSecondaryIndexes", value: .array(nodes))]
    }

    /// The stream of the table.
    ///
    /// - Parameter isRequest: Whether it is for a request: CloudFormation has no `StreamEnabled`.
    /// - Returns: The member, or none.
    private func stream(isRequest: Bool) -> [(name: String, value: JSONNode)] {
        guard hasStream else { return [] }
        var members: [(name: String, value: JSONNode)] = [
            (name: "StreamViewType", value: .string("NEW_AND_OLD_IMAGES"))
        ]
        if isRequest { members.insert((name: "StreamEnabled", value: .bool(true)), at: 0) }
        return [(name: "StreamSpecification", value: .object(members))]
    }

    private var timeToLive: JSONNode? {
        table.timeToLive.map { name in
            .object([
                (name: "AttributeName", value: .string(name)),
                (name: "Enabled", value: .bool(true)),
            ])
        }
    }
}

// MARK: Terraform

extension RemoteTableDesign {
    /// A configuration of Terraform with the table, in its JSON syntax.
    ///
    /// It needs version 6.29 or later of the provider `hashicorp/aws`, which has `key_schema`.
    public var terraform: String {
        let provider = JSONNode.object([
            (name: "source", value: .string("hashicorp/aws")),
            (name: "version", value: .string(">= 6.29")),
        ])
        let settings = JSONNode.object([
            (name: "required_providers", value: .object([(name: "aws", value: provider)]))
        ])
        let label = String(
            table.name.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? $0 : "_" })
        // A label begins with a letter.
        let resource = JSONNode.object([(name: "table_" + label, value: .object(terraformTable))])
        return JSONNode.object([
            (name: "terraform", value: settings),
            (name: "resource", value: .object([(name: "aws_dynamodb_table", value: resource)])),
        ]).indentedText
    }

    private var terraformTable: [(name: String, value: JSONNode)] {
        var members: [(name: String, value: JSONNode)] = [
            (name: "name", value: .string(table.name)),
            (name: "billing_mode", value: .string("PAY_PER_REQUEST")),
            (name: "hash_key", value: .string(table.partitionKey.name)),
        ]
        if let sortKey = table.sortKey {
            members.append((name: "range_key", value: .string(sortKey.name)))
        }
        let attributes = keyAttributes.map { attribute in
            JSONNode.object([
                (name: "name", value: .string(attribute.name)),
                (name: "type", value: .string(attribute.type.rawValue)),
            ])
        }
        members.append((name: "attribute", value: .array(attributes)))
        if !table.indexes.isEmpty {
            let indexes = table.indexes.map { JSONNode.object(Self.terraformIndex($0)) }
            members.append((name: "global_secondary_index", value: .array(indexes)))
        }
        if hasStream {
            members.append((name: "stream_enabled", value: .bool(true)))
            members.append((name: "stream_view_type", value: .string("NEW_AND_OLD_IMAGES")))
        }
        if let name = table.timeToLive {
            let expiry = JSONNode.object([
                (name: "attribute_name", value: .string(name)),
                (name: "enabled", value: .bool(true)),
            ])
            members.append((name: "ttl", value: expiry))
        }
        let lifecycle = JSONNode.object([(name: "prevent_destroy", value: .bool(true))])
        members.append((name: "lifecycle", value: lifecycle))
        return members
    }

    private static func terraformIndex(
        _ index: IndexDefinition
    ) -> [(name: String, value: JSONNode)] {
        func element(_ attribute: KeyAttribute, _ type: String) -> JSONNode {
            .object([
                (name: "attribute_name", value: .string(attribute.name)),
                (name: "key_type", value: .string(type)),
            ])
        }
        let keys =
            index.partitionKey.map { element($0, "HASH") }
            + index.sortKey.map { element($0, "RANGE") }
        var members: [(name: String, value: JSONNode)] = [
            (name: "name", value: .string(index.name)),
            (name: "key_schema", value: .array(keys)),
            (name: "projection_type", value: .string(index.projection.protocolName)),
        ]
        if case .include(let names) = index.projection {
            members.append((name: "non_key_attributes", value: .array(names.map { .string($0) })))
        }
        return members
    }
}

extension IndexProjection {
    /// The name in DynamoDB's protocol.
    fileprivate var protocolName: String {
        switch self {
        case .keysOnly: "KEYS_ONLY"
        case .include: "INCLUDE"
        case .all: "ALL"
        }
    }
}
