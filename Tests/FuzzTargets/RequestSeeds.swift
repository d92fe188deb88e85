/// Requests that the store of an input is made with, and those that the corpus starts with.
///
/// Each is an operation's name, an end of a line, and the body.
enum RequestSeeds {
    /// A table with an index and a stream, and two items.
    static let fixture: [String] = [
        #"""
        CreateTable
        {"TableName":"t","BillingMode":"PAY_PER_REQUEST",
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
        {"TableName":"t","Item":{"p":{"S":"a"},"n":{"N":"1"},"s":{"S":"x"},
        "l":{"L":[{"S":"y"},{"N":"2"}]},"ss":{"SS":["q","r"]}}}
        """#,
        #"""
        PutItem
        {"TableName":"t","Item":{"p":{"S":"a"},"n":{"N":"2"},"m":{"M":{}}}}
        """#,
    ]

    static let all: [[String]] = reads + writes + tables + streams

    private static let key = #""TableName":"t","Key":{"p":{"S":"a"},"n":{"N":"1"}}"#
    private static let streamARN = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/1"
    private static let tableARN = "arn:aws:dynamodb:us-east-1:000000000000:table/t"

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
            {"TableName":"t","KeyConditionExpression":"p = :p AND n > :n",
            "ExpressionAttributeValues":{":p":{"S":"a"},":n":{"N":"0"}},"Limit":1,
            "ScanIndexForward":false}
            """#
        ],
        [
            #"""
            Query
            {"TableName":"t","IndexName":"byS","KeyConditionExpression":"s = :s",
            "FilterExpression":"size(ss) > :n OR contains(ss, :s)","Select":"COUNT",
            "ExpressionAttributeValues":{":s":{"S":"x"},":n":{"N":"0"}}}
            """#
        ],
        [
            #"""
            Scan
            {"TableName":"t","TotalSegments":2,"Segment":1}
            """#,
            #"""
            Scan
            {"TableName":"t","Limit":1,"ExclusiveStartKey":{"p":{"S":"a"},"n":{"N":"1"}}}
            """#,
        ],
        [
            #"""
            BatchGetItem
            {"RequestItems":{"t":{"Keys":[{"p":{"S":"a"},"n":{"N":"2"}}]}}}
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
            "DescribeContinuousBackups\n{\"TableName\":\"t\"}",
        ],
        ["GetItem\n[]", "Nothing\n{}", "GetItem\n"],
    ]

    private static let writes: [[String]] = [
        [
            #"""
            PutItem
            {"TableName":"t","Item":{"p":{"S":"a"},"n":{"N":"1"}},
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
            {"RequestItems":{"t":[{"DeleteRequest":{"Key":{"p":{"S":"a"},"n":{"N":"2"}}}},
            {"PutRequest":{"Item":{"p":{"S":"b"},"n":{"N":"-1.5"}}}}]}}
            """#
        ],
        [
            #"""
            TransactWriteItems
            {"ClientRequestToken":"token","TransactItems":[
            {"Put":{"TableName":"t","Item":{"p":{"S":"c"},"n":{"N":"1"}}}},
            {"ConditionCheck":{\#(key),"ConditionExpression":"attribute_exists(p)"}}]}
            """#
        ],
    ]

    private static let tables: [[String]] = [
        ["ListTables\n{\"Limit\":1}", "DescribeTable\n{\"TableName\":\"t\"}"],
        [
            #"""
            UpdateTimeToLive
            {"TableName":"t",
            "TimeToLiveSpecification":{"Enabled":true,"AttributeName":"until"}}
            """#,
            "DescribeTimeToLive\n{\"TableName\":\"t\"}",
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
            {"TableName":"t","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"byS"}}]}
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
            "ListStreams\n{\"TableName\":\"t\"}",
            #"""
            DescribeStream
            {"StreamArn":"\#(streamARN)"}
            """#,
        ],
        [
            #"""
            GetShardIterator
            {"StreamArn":"\#(streamARN)","ShardId":"shardId-0",
            "ShardIteratorType":"TRIM_HORIZON"}
            """#,
            "GetRecords\n{\"ShardIterator\":\"none\"}",
        ],
    ]
}
