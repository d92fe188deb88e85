internal import CodexCore

/// The requests that make an input's store, and those with which the corpus starts.
///
/// Each is an operation's name, a line end, and the body.
enum RequestSeeds {
    /// A table with an index and a stream, and two items.
    static let fixture: [String] = [
        #"""
        CreateTable
        {"TableName":"tab","BillingMode":"PAY_PER_REQUEST",
        "KeySchema":[{"AttributeName":"p","KeyType":"HASH"},
        {"AttributeName":"n","KeyType":"RANGE"}],
        "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"},
        {"AttributeName":"n","AttributeType":"N"},{"AttributeName":"s","AttributeType":"S"}],
        "GlobalSecondaryIndexes":[{"IndexName":"byS",
        "KeySchema":[{"AttributeName":"s","KeyType":"HASH"}],
        "Projection":{"ProjectionType":"ALL"}}],
        "StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}}
        """#,
        #"""
        PutItem
        {"TableName":"tab","Item":{"p":{"S":"a"},"n":{"N":"1"},"s":{"S":"x"},
        "l":{"L":[{"S":"y"},{"N":"2"}]},"ss":{"SS":["q","r"]}}}
        """#,
        #"""
        PutItem
        {"TableName":"tab","Item":{"p":{"S":"a"},"n":{"N":"2"},"m":{"M":{}}}}
        """#,
    ]

    static let all: [[String]] = reads + writes + tables + streams

    private static let key = #""TableName":"tab","Key":{"p":{"S":"a"},"n":{"N":"1"}}"#
    private static let tableARN = "arn:aws:dynamodb:us-east-1:000000000000:table/tab"
    /// The stream and the shard of the table, which is made at ``SampleTime``.
    private static let streamARN = tableARN + "/stream/2023-11-14T22:13:20.000"
    private static let shardID = "shardId-00000001700000000000-6eeb9830"

    private static let reads: [[String]] = [
        ["GetItem\n{\(key)}"],
        [
            #"""
            GetItem
            {\#(key),"ConsistentRead":true,"ProjectionExpression":"l[0], #s",
            "ExpressionAttributeNames":{"#s":"s"},"ReturnConsumedCapacity":"TOTAL"}
            """#
        ],
        [
            #"""
            Query
            {"TableName":"tab","KeyConditionExpression":"p = :p AND n > :n",
            "ExpressionAttributeValues":{":p":{"S":"a"},":n":{"N":"0"}},"Limit":1,
            "ScanIndexForward":false}
            """#
        ],
        [
            #"""
            Query
            {"TableName":"tab","IndexName":"byS","KeyConditionExpression":"s = :s",
            "FilterExpression":"size(ss) > :n OR contains(ss, :s)","Select":"COUNT",
            "ExpressionAttributeValues":{":s":{"S":"x"},":n":{"N":"0"}}}
            """#
        ],
        [
            #"""
            Scan
            {"TableName":"tab","TotalSegments":2,"Segment":1}
            """#,
            #"""
            Scan
            {"TableName":"tab","Limit":1,"ExclusiveStartKey":{"p":{"S":"a"},"n":{"N":"1"}}}
            """#,
        ],
        [
            #"""
            BatchGetItem
            {"RequestItems":{"tab":{"Keys":[{"p":{"S":"a"},"n":{"N":"2"}}]}}}
            """#
        ],
        [
            #"""
            TransactGetItems
            {"TransactItems":[{"Get":{\#(key)}}]}
            """#
        ],
        [
            "DescribeLimits\n{}", "DescribeEndpoints\n{}",
            "DescribeContinuousBackups\n{\"TableName\":\"tab\"}",
        ],
        ["GetItem\n[]", "Nothing\n{}", "GetItem\n"],
    ]

    private static let writes: [[String]] = [
        [
            #"""
            PutItem
            {"TableName":"tab","Item":{"p":{"S":"a"},"n":{"N":"1"}},
            "ConditionExpression":"attribute_not_exists(p)",
            "ReturnValuesOnConditionCheckFailure":"ALL_OLD"}
            """#
        ],
        [
            #"""
            UpdateItem
            {\#(key),"UpdateExpression":"SET l[1] = :v ADD ss :ss REMOVE s",
            "ExpressionAttributeValues":{":v":{"NULL":true},":ss":{"SS":["z"]}},
            "ReturnValues":"ALL_NEW"}
            """#
        ],
        ["DeleteItem\n{\(key),\"ReturnValues\":\"ALL_OLD\"}", "GetItem\n{\(key)}"],
        [
            #"""
            BatchWriteItem
            {"RequestItems":{"tab":[{"DeleteRequest":{"Key":{"p":{"S":"a"},"n":{"N":"2"}}}},
            {"PutRequest":{"Item":{"p":{"S":"b"},"n":{"N":"-1.5"}}}}]}}
            """#
        ],
        [
            #"""
            TransactWriteItems
            {"ClientRequestToken":"token","TransactItems":[
            {"Put":{"TableName":"tab","Item":{"p":{"S":"c"},"n":{"N":"1"}}}},
            {"ConditionCheck":{\#(key),"ConditionExpression":"attribute_exists(p)"}}]}
            """#
        ],
    ]

    private static let tables: [[String]] = [
        ["ListTables\n{\"Limit\":1}", "DescribeTable\n{\"TableName\":\"tab\"}"],
        [
            #"""
            UpdateTimeToLive
            {"TableName":"tab",
            "TimeToLiveSpecification":{"Enabled":true,"AttributeName":"until"}}
            """#,
            "DescribeTimeToLive\n{\"TableName\":\"tab\"}",
            #"""
            UpdateTimeToLive
            {"TableName":"tab",
            "TimeToLiveSpecification":{"Enabled":false,"AttributeName":"until"}}
            """#,
            #"""
            UpdateTimeToLive
            {"TableName":"tab",
            "TimeToLiveSpecification":{"Enabled":true,"AttributeName":"n"}}
            """#,
        ],
        [
            #"""
            UpdateContinuousBackups
            {"TableName":"tab",
            "PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}}
            """#,
            "DescribeContinuousBackups\n{\"TableName\":\"tab\"}",
        ],
        [
            #"""
            TagResource
            {"ResourceArn":"\#(tableARN)","Tags":[{"Key":"k","Value":"v"}]}
            """#,
            #"""
            ListTagsOfResource
            {"ResourceArn":"\#(tableARN)"}
            """#,
            #"""
            UntagResource
            {"ResourceArn":"\#(tableARN)","TagKeys":["k"]}
            """#,
        ],
        [
            #"""
            UpdateTable
            {"TableName":"tab","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"byS"}}]}
            """#
        ],
        [
            #"""
            CreateTable
            {"TableName":"other","KeySchema":[{"AttributeName":"k","KeyType":"HASH"}],
            "AttributeDefinitions":[{"AttributeName":"k","AttributeType":"B"}],
            "BillingMode":"PAY_PER_REQUEST"}
            """#,
            "DeleteTable\n{\"TableName\":\"other\"}",
        ],
    ]

    private static let streams: [[String]] = [
        [
            "ListStreams\n{\"TableName\":\"tab\"}",
            #"""
            DescribeStream
            {"StreamArn":"\#(streamARN)"}
            """#,
        ],
        [
            #"""
            GetShardIterator
            {"StreamArn":"\#(streamARN)","ShardId":"\#(shardID)",
            "ShardIteratorType":"TRIM_HORIZON"}
            """#,
            "GetRecords\n{\"ShardIterator\":\"none\"}",
        ],
        // The stream begins after one of these commits.
        (1...6).map { records(after: $0) },
    ]

    /// A request for the changes after a commit.
    private static func records(after commit: Int) -> String {
        let content = "\(streamARN)|\(commit)|1|1700000000000"
        let text = Base64.encodeURL(Array(content.utf8))
        return "GetRecords\n{\"ShardIterator\":\"\(streamARN)|1|\(text)\"}"
    }
}
