import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Date;
import java.util.Map;
import org.yaml.snakeyaml.Yaml;

/** Reads scalars, one a line, and prints what SnakeYAML makes of each behind a key: its kind, a tab, its value. */
public class PlainScalars {
    public static void main(String[] arguments) throws Exception {
        BufferedReader scalars = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        for (String scalar; (scalar = scalars.readLine()) != null; ) {
            out.println(read(scalar));
        }
        out.flush();
    }

    private static String read(String scalar) {
        Object value;
        try {
            value = ((Map<?, ?>) new Yaml().load("k: " + scalar + "\n")).get("k");
        } catch (RuntimeException refused) {
            return "refused\t";
        }
        if (value == null) {
            return "null\t";
        }
        if (value instanceof Boolean) {
            return "boolean\t" + value;
        }
        if (value instanceof Integer || value instanceof Long || value instanceof BigInteger) {
            return "integer\t" + value;
        }
        if (value instanceof Double) {
            return "float\t" + Long.toUnsignedString(Double.doubleToLongBits((Double) value));
        }
        return value instanceof Date ? "text\t" + scalar : "text\t" + value;
    }
}
