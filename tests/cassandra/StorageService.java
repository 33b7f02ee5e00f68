import java.lang.management.ManagementFactory;
import javax.management.ObjectName;

/** A JMX server as Cassandra's own code sets it up, with the one bean of a node that is asked for. */
public final class StorageService implements StorageServiceMBean {
    private String mode = "NORMAL";

    /** Arguments: the port and whether only this machine may connect; none where the JVM's agent serves. */
    public static void main(String[] arguments) throws Exception {
        ObjectName name = new ObjectName("org.apache.cassandra.db:type=StorageService");
        ManagementFactory.getPlatformMBeanServer().registerMBean(new StorageService(), name);
        if (arguments.length > 0) {
            Class.forName("org.apache.cassandra.utils.JMXServerUtils")
                .getMethod("createJMXServer", int.class, boolean.class)
                .invoke(null, Integer.valueOf(arguments[0]), Boolean.valueOf(arguments[1]));
        }
        System.out.println("serving");
        while (System.in.read() != -1) {
            // Until the test lets go.
        }
        System.exit(0);
    }

    @Override
    public String getOperationMode() {
        return mode;
    }

    @Override
    public boolean isJoined() {
        return true;
    }

    @Override
    public void drain() {
        if (mode.equals("DRAINED")) {
            throw new IllegalStateException("drained already");
        }
        mode = "DRAINED";
    }
}
