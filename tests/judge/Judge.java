// Loads cassandra.yaml files with Cassandra's own YamlConfigurationLoader and prints the values that it got.
//
//     java -cp CLASSES:LIB/* Judge < list-of-files
//
// For each file a line "= FILE", then one line "path<TAB>java type<TAB>value" for each field of Config, nested ones
// included, or a line "!<TAB>what the loader said". Values are escaped like Java strings, null is the type "null".
// Everything goes through reflection, so one compilation serves every release of Cassandra.

import java.io.BufferedReader;
import java.io.File;
import java.io.FileOutputStream;
import java.io.FileDescriptor;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;

public final class Judge {
    private final PrintStream out;

    private Judge(PrintStream out) {
        this.out = out;
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
        // What Cassandra logs must not get between the values.
        System.setOut(System.err);
        Judge judge = new Judge(out);
        Object loader = Class.forName("org.apache.cassandra.config.YamlConfigurationLoader").getDeclaredConstructor().newInstance();
        Method load = loader.getClass().getMethod("loadConfig", URL.class);
        BufferedReader files = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String file = files.readLine(); file != null; file = files.readLine()) {
            out.println("= " + file);
            try {
                judge.fields("", load.invoke(loader, new File(file).toURI().toURL()), 0);
            } catch (InvocationTargetException refused) {
                out.println("!\t" + escape(messages(refused.getCause())));
            }
        }
        out.flush();
        // Some releases leave threads behind.
        Runtime.getRuntime().halt(out.checkError() ? 1 : 0);
    }

    private void fields(String prefix, Object object, int depth) throws IllegalAccessException {
        for (Class<?> each = object.getClass(); each != Object.class; each = each.getSuperclass()) {
            for (Field field : each.getDeclaredFields()) {
                if (Modifier.isStatic(field.getModifiers()) || field.isSynthetic()) {
                    continue;
                }
                field.setAccessible(true);
                value(prefix + field.getName(), field.getType().getSimpleName(), field.get(object), depth);
            }
        }
    }

    private void value(String path, String type, Object value, int depth) throws IllegalAccessException {
        if (value == null) {
            print(path, "null", "");
        } else if (value instanceof Map<?, ?>) {
            Map<String, Object> sorted = new TreeMap<>();
            ((Map<?, ?>) value).forEach((key, each) -> sorted.put(String.valueOf(key), each));
            print(path, "Map", String.valueOf(sorted.size()));
            for (Map.Entry<String, Object> each : sorted.entrySet()) {
                value(path + "." + each.getKey(), typeOf(each.getValue()), each.getValue(), depth + 1);
            }
        } else if (value instanceof Collection<?> || value.getClass().isArray()) {
            Object[] items = value instanceof Collection<?> ? ((Collection<?>) value).toArray() : array(value);
            print(path, "List", String.valueOf(items.length));
            for (int index = 0; index < items.length; index++) {
                value(path + "[" + index + "]", typeOf(items[index]), items[index], depth + 1);
            }
        } else if (isStructure(value) && depth < 8) {
            print(path, "Structure", value.getClass().getSimpleName());
            fields(path + ".", value, depth + 1);
        } else {
            print(path, type, String.valueOf(value));
        }
    }

    // A class of Cassandra's own that holds fields; sizes, durations and rates are values.
    private static boolean isStructure(Object value) {
        Class<?> type = value.getClass();
        return type.getName().startsWith("org.apache.cassandra.") && !(value instanceof Enum<?>)
            && !type.getName().matches(".*\\.(Duration|DataStorage|DataRate)Spec(\\$.*)?");
    }

    private static Object[] array(Object value) {
        Object[] items = new Object[Array.getLength(value)];
        for (int index = 0; index < items.length; index++) {
            items[index] = Array.get(value, index);
        }
        return items;
    }

    private static String typeOf(Object value) {
        return value == null ? "null" : value.getClass().getSimpleName();
    }

    private void print(String path, String type, String value) {
        out.println(escape(path) + "\t" + type + "\t" + escape(value));
    }

    private static String messages(Throwable problem) {
        StringBuilder all = new StringBuilder();
        for (Throwable each = problem; each != null; each = each.getCause()) {
            all.append(all.length() == 0 ? "" : " <- ").append(each);
        }
        return all.toString();
    }

    private static String escape(String text) {
        return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r");
    }
}
