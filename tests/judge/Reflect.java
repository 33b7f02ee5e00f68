// Prints the keys that a Cassandra reads from cassandra.yaml, as CSV, asked of its own Config class.
//
//     java -cp 'lib/*' Reflect.java
//
// One row for each key of Config and, recursively, of every class that a key holds:
//     class,key,type,default,nullable,deprecated,alias_of,converter
// The class of a top-level key is Config. A type is int, long, double, bool, string, any, map<…>, list<…>, enum(a|b),
// class(list|map|string) with the forms that a ParameterizedClass may have, nested:Class, nested:Class(scalar) where a single
// value does, or duration, datasize, datarate with the least unit, as in duration(min=ms;int), where int and long are its
// ceiling in that unit, and bare says that a number without a unit does. An old name has the type and unit of old.

import java.io.PrintStream;
import java.lang.annotation.Annotation;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

import org.yaml.snakeyaml.introspector.BeanAccess;
import org.yaml.snakeyaml.introspector.Property;
import org.yaml.snakeyaml.introspector.PropertyUtils;

public class Reflect {
    private static final String CONFIG = "org.apache.cassandra.config.";

    private static final class Holder {
        final Class<?> type;
        final Object instance;

        Holder(Class<?> type, Object instance) {
            this.type = type;
            this.instance = instance;
        }
    }

    // SnakeYAML's own list leaves out what has a setter alone, which the loader sets.
    private static final class AllProperties extends PropertyUtils {
        Map<String, Property> of(Class<?> type) throws Exception {
            return getPropertiesMap(type, BeanAccess.DEFAULT);
        }
    }

    // An old name that a class still takes.
    private static final class Replacement {
        final String old;
        final String current;
        final Class<?> oldType;
        final String converter;
        final boolean deprecated;

        Replacement(Object cassandras) throws Exception {
            old = (String) field(cassandras, "oldName");
            current = (String) field(cassandras, "newName");
            oldType = (Class<?>) field(cassandras, "oldType");
            converter = field(cassandras, "converter").toString();
            deprecated = (Boolean) field(cassandras, "deprecated");
        }

        Replacement(Field current, Annotation replaces) throws Exception {
            Class<?> type = replaces.annotationType();
            this.old = (String) type.getMethod("oldName").invoke(replaces);
            this.current = current.getName();
            this.oldType = current.getType();
            this.converter = "IDENTITY";
            this.deprecated = (Boolean) type.getMethod("deprecated").invoke(replaces);
        }
    }

    private final Map<String, Holder> waiting = new TreeMap<>();
    private final TreeSet<String> done = new TreeSet<>();
    private final Map<String, Class<?>> classes = new TreeMap<>();
    private final List<String> rows = new ArrayList<>();

    public static void main(String[] arguments) throws Exception {
        PrintStream out = System.out;
        // Whatever Cassandra's classes log while they are loaded is not our output.
        System.setOut(System.err);
        Reflect reflect = new Reflect();
        Class<?> config = Class.forName(CONFIG + "Config");
        reflect.waiting.put("Config", new Holder(config, config.getDeclaredConstructor().newInstance()));
        while (!reflect.waiting.isEmpty()) {
            String name = reflect.waiting.keySet().iterator().next();
            reflect.describe(name, reflect.waiting.remove(name));
        }
        reflect.rows.sort(null);
        reflect.rows.forEach(out::println);
        out.flush();
        System.exit(0);
    }

    private void describe(String name, Holder holder) throws Exception {
        done.add(name);
        Map<String, Property> properties = properties(holder.type);
        for (Map.Entry<String, Property> entry : properties.entrySet()) {
            // The loader's name: a field maxAttempts is written max_attempts.
            Property property = entry.getValue();
            String type = type(property.getType(), property.getActualTypeArguments(), valueOf(property, holder.instance));
            add(name, entry.getKey(), type, text(valueOf(property, holder.instance)), annotations(property, holder.type));
        }
        for (Replacement replacement : replacements(holder.type)) describe(name, replacement, properties.get(replacement.current));
    }

    private void describe(String owner, Replacement replacement, Property target) {
        if (replacement.old.equals(replacement.current)) {
            // The old form of the value is taken beside the new one.
            String start = owner + "," + replacement.old + ",duration(";
            rows.replaceAll(row -> row.startsWith(start) ? row.replaceFirst("\\)", ";bare)") : row);
            return;
        }
        String type = replacement.converter.equals("IDENTITY")
            ? type(target.getType(), target.getActualTypeArguments(), null)
            : oldType(replacement.oldType, replacement.converter);
        String deprecated = replacement.deprecated ? "yes" : "";
        rows.add(String.join(",", owner, replacement.old, quote(type), "", "", deprecated, replacement.current, replacement.converter));
    }

    private void add(String owner, String key, String type, String value, List<Annotation> annotations) {
        boolean nullable = has(annotations, "Nullable");
        boolean deprecated = has(annotations, "Deprecated");
        rows.add(String.join(",", owner, key, quote(type), quote(value), nullable ? "yes" : "", deprecated ? "yes" : "", "", ""));
    }

    // What the version's own loader would set: Cassandra's since 4.1, before that SnakeYAML's.
    private static Map<String, Property> properties(Class<?> type) throws Exception {
        Map<String, Property> found = new TreeMap<>();
        try {
            Class<?> loader = Class.forName(CONFIG + "DefaultLoader");
            Object instance = loader.getDeclaredConstructor().newInstance();
            found.putAll((Map<String, Property>) loader.getMethod("getProperties", Class.class).invoke(instance, type));
        } catch (ClassNotFoundException before41) {
            for (Map.Entry<String, Property> each : new AllProperties().of(type).entrySet())
                if (each.getValue().isWritable()) found.put(each.getKey(), each.getValue());
        }
        return found;
    }

    // What @Replaces says: read as the loader does since 4.1, from the annotations in 4.0.
    private static List<Replacement> replacements(Class<?> type) throws Exception {
        List<Replacement> found = new ArrayList<>();
        try {
            Method all = Class.forName(CONFIG + "Replacements").getDeclaredMethod("getReplacements", Class.class);
            all.setAccessible(true);
            for (Object each : (List<?>) all.invoke(null, type)) found.add(new Replacement(each));
        } catch (ClassNotFoundException before41) {
            for (Field field : type.getFields())
                for (Annotation each : field.getAnnotations())
                    if (each.annotationType().getSimpleName().equals("Replaces")) found.add(new Replacement(field, each));
        }
        return found;
    }

    private String type(Class<?> type, Class<?>[] arguments, Object value) {
        String name = type.getSimpleName();
        if (type == int.class || type == Integer.class || type == short.class) return "int";
        if (type == long.class || type == Long.class) return "long";
        if (type == double.class || type == Double.class || type == float.class || type == Float.class) return "double";
        if (type == boolean.class || type == Boolean.class) return "bool";
        if (type == String.class || type == Object.class) return type == String.class ? "string" : "any";
        if (type.isEnum())
            return "enum(" + Arrays.stream(type.getEnumConstants()).map(each -> ((Enum<?>) each).name()).collect(Collectors.joining("|")) + ")";
        if (type.isArray()) return "list<" + type(type.getComponentType(), null, null) + ">";
        if (Collection.class.isAssignableFrom(type))
            return "list<" + (arguments == null ? "any" : type(arguments[0], null, null)) + ">";
        // Its keys come from CustomGuardrailConfig and its like, which are plain maps.
        if (Map.class.isAssignableFrom(type))
            return arguments == null || arguments.length < 2 ? "map<any>" : "map<" + type(arguments[1], null, null) + ">";
        if (name.equals("ParameterizedClass")) return "class(" + forms(type) + ")";
        String spec = type.getName();
        if (spec.contains("DurationSpec")) return "duration(min=" + duration(name) + ")";
        if (spec.contains("DataStorageSpec")) return "datasize(min=" + size(name) + ")";
        if (spec.contains("DataRateSpec")) return "datarate(min=B/s)";
        Class<?> known = classes.putIfAbsent(name, type);
        if (known != null && known != type) throw new IllegalStateException("two classes are called " + name);
        if (!done.contains(name) && !waiting.containsKey(name)) waiting.put(name, new Holder(type, value == null ? fresh(type) : value));
        return "nested:" + name + (takes(type, String.class) || takes(type, int.class) ? "(scalar)" : "");
    }

    // How a class with parameters may be written: SnakeYAML fits a list of one map, a map and a scalar to a constructor each.
    private static String forms(Class<?> type) {
        List<String> forms = new ArrayList<>();
        if (takes(type, Map.class)) forms.add("list");
        if (takes(type)) forms.add("map");
        if (takes(type, String.class)) forms.add("string");
        return String.join("|", forms);
    }

    private static boolean takes(Class<?> type, Class<?>... parameters) {
        return Arrays.stream(type.getDeclaredConstructors()).anyMatch(each -> Arrays.equals(each.getParameterTypes(), parameters));
    }

    private static String duration(String bound) {
        String unit = bound.contains("Nanoseconds") ? "ns" : bound.contains("Microseconds") ? "us"
            : bound.contains("Milliseconds") ? "ms" : bound.contains("Seconds") ? "s" : "m";
        return unit + (bound.startsWith("Int") ? ";int" : ";long");
    }

    private static String size(String bound) {
        String unit = bound.contains("Mebibytes") ? "MiB" : bound.contains("Kibibytes") ? "KiB" : "B";
        return unit + (bound.startsWith("Int") ? ";int" : ";long");
    }

    // The number and unit that an old name takes (Converters.java).
    private String oldType(Class<?> type, String converter) {
        if (type.getName().contains("Spec$")) return type(type, null, null);
        String number = type == Double.class ? "double" : type == Long.class ? "long" : type == String.class ? "string" : "int";
        String unit = converter.startsWith("MILLIS") ? "ms" : converter.contains("SECONDS_") && !converter.contains("PER_SECOND") ? "s"
            : converter.startsWith("MINUTES") ? "min" : converter.startsWith("MEGABITS") ? "megabit/s"
            : converter.startsWith("MEBIBYTES_PER_SECOND") ? "MiB/s" : converter.contains("MEBIBYTES_DATA_STORAGE") || converter.endsWith("MEBIBYTES_INT") ? "MiB"
            : converter.startsWith("KIBIBYTES") ? "KiB" : converter.contains("BYTES") ? "B" : "";
        return unit.isEmpty() ? number : number + "(" + unit + ")";
    }

    private static Object fresh(Class<?> type) {
        if (Modifier.isAbstract(type.getModifiers())) return null;
        try {
            Constructor<?> constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (ReflectiveOperationException | RuntimeException | LinkageError none) {
            return null;
        }
    }

    private static Object valueOf(Property property, Object instance) {
        try {
            return instance == null ? null : property.get(instance);
        } catch (Exception | LinkageError none) {
            return null;
        }
    }

    private static List<Annotation> annotations(Property property, Class<?> owner) {
        try {
            return property.getAnnotations();
        } catch (NoSuchMethodError oldSnakeYaml) {
            try {
                return Arrays.asList(owner.getField(property.getName()).getAnnotations());
            } catch (NoSuchFieldException setterAlone) {
                return List.of();
            }
        }
    }

    private static boolean has(List<Annotation> annotations, String name) {
        return annotations.stream().anyMatch(each -> each.annotationType().getSimpleName().equals(name));
    }

    private static Object field(Object object, String name) throws Exception {
        return object.getClass().getField(name).get(object);
    }

    // Scalars as they would be written, a structure by its form alone.
    private static String text(Object value) {
        if (value == null) return "";
        if (value instanceof String) return ((String) value).isEmpty() ? "''" : (String) value;
        if (value instanceof Enum) return ((Enum<?>) value).name();
        if (value instanceof Number || value instanceof Boolean) return value.toString();
        if (value.getClass().isArray()) return "[]";
        if (value instanceof Collection)
            return ((Collection<?>) value).stream().map(String::valueOf).sorted().collect(Collectors.joining("; ", "[", "]"));
        if (value.getClass().getName().contains("Spec$")) return value.toString();
        if (value.getClass().getSimpleName().equals("ParameterizedClass")) return classOf(value);
        return "{}";
    }

    private static String classOf(Object value) {
        try {
            return String.valueOf(field(value, "class_name"));
        } catch (Exception none) {
            return "{}";
        }
    }

    private static String quote(String text) {
        return text.contains(",") || text.contains("\"") ? '"' + text.replace("\"", "\"\"") + '"' : text;
    }
}
