import com.amazonaws.services.lambda.runtime.events.KafkaEvent;
import com.amazonaws.services.lambda.runtime.serialization.events.LambdaEventSerializers;
import com.amazonaws.services.lambda.runtime.serialization.factories.JacksonFactory;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;

/** Reads payloads with the event types of Java, and prints what it understood, a line each. */
public final class Reader {
  private static final ObjectMapper JSON = new ObjectMapper(); // It refuses unknown properties.

  public static void main(String[] args) throws Exception {
    List<Path> files;
    try (Stream<Path> all = Files.list(Path.of(args[0]))) {
      files = all.sorted().toList();
    }
    for (Path file : files) {
      String name = file.getFileName().toString().replaceAll("\\.json$", "");
      String payload = Files.readString(file);
      print("KafkaEvent, the runtime's serialization", name, () -> eventOf(byRuntime(payload)));
      print("KafkaEvent, unknown properties refused", name,
          () -> eventOf(JSON.readValue(payload, KafkaEvent.class)));
    }
  }

  private static void print(String reader, String payload, Callable<Object> understand)
      throws Exception {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("reader", reader);
    line.put("payload", payload);
    try {
      line.put("read", understand.call());
    } catch (Exception error) { // A refusal of any kind is a result.
      line.put("refused", error.toString());
    }
    System.out.println(JSON.writeValueAsString(line));
  }

  /** As Lambda's own Java runtime reads the event. */
  private static KafkaEvent byRuntime(String payload) {
    Class<KafkaEvent> type = KafkaEvent.class;
    return LambdaEventSerializers.isLambdaSupportedEvent(type.getName())
        ? LambdaEventSerializers.serializerFor(type, type.getClassLoader()).fromJson(payload)
        : JacksonFactory.getInstance().getSerializer(type).fromJson(payload);
  }

  private static Object eventOf(KafkaEvent event) {
    Map<String, Object> read = new LinkedHashMap<>();
    read.put("eventSource", event.getEventSource());
    read.put("eventSourceArn", event.getEventSourceArn());
    read.put("bootstrapServers", event.getBootstrapServers());
    read.put("partitions", event.getRecords().keySet());
    read.put("records",
        event.getRecords().values().stream().flatMap(List::stream).map(Reader::recordOf).toList());
    return read;
  }

  private static Object recordOf(KafkaEvent.KafkaEventRecord record) {
    List<Object> headers = new ArrayList<>();
    record.getHeaders().forEach(one ->
        one.forEach((name, value) -> headers.add(List.of(name, base64(value)))));
    Map<String, Object> read = new LinkedHashMap<>();
    read.put("topic", record.getTopic());
    read.put("partition", record.getPartition());
    read.put("offset", record.getOffset());
    read.put("timestamp", record.getTimestamp());
    read.put("timestampType", record.getTimestampType());
    read.put("key", record.getKey());
    read.put("value", record.getValue());
    read.put("headers", headers);
    read.put("keySchema", schemaOf(record.getKeySchemaMetadata()));
    read.put("valueSchema", schemaOf(record.getValueSchemaMetadata()));
    return read;
  }

  private static Object schemaOf(KafkaEvent.SchemaMetadata schema) {
    return schema == null
        ? null
        : Map.of("dataFormat", schema.getDataFormat(), "schemaId", schema.getSchemaId());
  }

  private static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }
}
