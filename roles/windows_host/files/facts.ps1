# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What a Windows PC is like, as one JSON document. It reads, changes nothing and decides nothing: what follows from it is reckoned in Python
# (plugins/plugin_utils/_windows). For Windows PowerShell 5.1. Nothing here reads words that Windows or wsl.exe translate: registry values, numbers and
# names of enumerations are the same in every language.
[CmdletBinding(SupportsShouldProcess)]
param ()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# wsl.exe writes UTF-16 unless it is told otherwise (microsoft/WSL, src/windows/common/wslutil.cpp). The version that comes with Windows does not heed it,
# so zeros are taken out where its output is read.
$env:WSL_UTF8 = '1'

$lxssUser = 'HKCU:\Software\Microsoft\Windows\CurrentVersion\Lxss'
$unread = New-Object -TypeName System.Collections.ArrayList

function Read-Part {
    # One part that cannot be read must not hide the others.
    param ([string] $Name, [scriptblock] $Reader)
    try {
        & $Reader
    }
    catch {
        [void] $unread.Add(@{ part = $Name; why = [string] $_.Exception.Message })
        $null
    }
}

function Invoke-Native {
    # Windows PowerShell makes an error of each line that a program writes to its standard error, a warning of wsl.exe as well, and would end here
    # (PowerShell/PowerShell issue 3996). Whether a program has failed says how it ended.
    param ([scriptblock] $Call)
    $ErrorActionPreference = 'Continue'
    & $Call
}

function Get-List {
    # A list stays one, also with one thing in it, or none.
    param ([object] $Of)
    if ($null -eq $Of) { return , @() }
    return , @($Of)
}

function Get-Value {
    # A registry value, or a property, or nothing: in strict mode asking for one that is not there is an error.
    param ([object] $From, [string] $Name, [object] $Otherwise = $null)
    if ($null -eq $From) { return $Otherwise }
    $property = $From.PSObject.Properties[$Name]
    if ($null -eq $property -or $null -eq $property.Value) { return $Otherwise }
    return $property.Value
}

function Get-Key {
    param ([string] $Path)
    if (Test-Path -LiteralPath $Path) { return Get-ItemProperty -LiteralPath $Path }
    return $null
}

function Get-Output {
    # The lines that a program says, without the zeros of UTF-16; none where it fails.
    param ([string] $Program, [string[]] $Arguments)
    $lines = Invoke-Native { & $Program @Arguments }
    if ($LASTEXITCODE -ne 0) { return }
    foreach ($line in $lines) {
        $plain = ([string] $line).Replace([string] [char] 0, '').Trim()
        if ($plain) { $plain }
    }
}

$windows = Read-Part 'windows' {
    $version = Get-Key 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
    $system = Get-CimInstance -ClassName Win32_OperatingSystem
    @{
        edition = [string] (Get-Value $version 'EditionID' '')
        release = [string] (Get-Value $version 'DisplayVersion' '')
        build = [int] (Get-Value $version 'CurrentBuildNumber' 0)
        revision = [int] (Get-Value $version 'UBR' 0)
        # 1 is a client, 2 a domain controller, 3 a server.
        is_server = [int] $system.ProductType -ne 1
        architecture = [string] $env:PROCESSOR_ARCHITECTURE
        language = [string] (Get-UICulture).Name
    }
}

$machine = Read-Part 'machine' {
    $computer = Get-CimInstance -ClassName Win32_ComputerSystem
    $processor = Get-CimInstance -ClassName Win32_Processor | Select-Object -First 1
    @{
        name = [string] $computer.Name
        manufacturer = [string] (Get-Value $computer 'Manufacturer' '')
        model = [string] (Get-Value $computer 'Model' '')
        memory_bytes = [long] $computer.TotalPhysicalMemory
        processors = [int] $computer.NumberOfLogicalProcessors
        # Where a hypervisor runs, the processor no longer tells what the firmware has switched on.
        hypervisor = [bool] (Get-Value $computer 'HypervisorPresent' $false)
        firmware_virtualization = [bool] (Get-Value $processor 'VirtualizationFirmwareEnabled' $false)
    }
}

$user = Read-Part 'user' {
    $identity = [System.Security.Principal.WindowsIdentity]::GetCurrent()
    $principal = New-Object -TypeName System.Security.Principal.WindowsPrincipal -ArgumentList $identity
    @{
        name = [string] $identity.Name
        sid = [string] $identity.User.Value
        profile = [string] $env:USERPROFILE
        is_administrator = $principal.IsInRole([System.Security.Principal.WindowsBuiltInRole]::Administrator)
    }
}

$openssh = Read-Part 'openssh' {
    @{
        # Empty where nobody has set it, which is cmd.exe.
        default_shell = [string] (Get-Value (Get-Key 'HKLM:\SOFTWARE\OpenSSH') 'DefaultShell' '')
    }
}

$features = Read-Part 'features' {
    $found = @{}
    foreach ($name in 'VirtualMachinePlatform', 'Microsoft-Windows-Subsystem-Linux') {
        $feature = Get-WindowsOptionalFeature -Online -FeatureName $name
        $found[$name] = if ($null -eq $feature) { 'Unknown' } else { [string] $feature.State }
    }
    $found
}

$pending = Read-Part 'pending_reboot' {
    $reasons = @()
    if (Test-Path -LiteralPath 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending') { $reasons += 'components' }
    if (Test-Path -LiteralPath 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired') { $reasons += 'updates' }
    $reasons
}

# Names and numbers of microsoft/WSL, src/windows/inc/wslpolicies.h. A policy that is not there is not set.
$policies = Read-Part 'policies' {
    $found = @{}
    $key = Get-Key 'HKLM:\SOFTWARE\Policies\WSL'
    foreach ($name in 'AllowWSL', 'AllowInboxWSL', 'AllowNetworkingModeUserSetting', 'DefaultNetworkingMode') {
        $value = Get-Value $key $name
        if ($null -ne $value) { $found[$name] = [int] $value }
    }
    $found
}

# The store's version lies below Program Files, and is the only one that works without a desktop (microsoft/WSL issue 9231).
$store = Join-Path -Path $env:ProgramFiles -ChildPath 'WSL\wsl.exe'
$inbox = Join-Path -Path $env:SystemRoot -ChildPath 'System32\wsl.exe'
$wslProgram = if (Test-Path -LiteralPath $store) { $store } elseif (Test-Path -LiteralPath $inbox) { $inbox } else { '' }

$running = @()
$wsl = Read-Part 'wsl' {
    $isStore = $wslProgram -eq $store
    $version = if ($isStore) { [string] (Get-Item -LiteralPath $store).VersionInfo.FileVersion } else { '' }
    # That of Windows is found where wsl.exe is called by its name alone, and hands on to the store's, in some versions not over OpenSSH (microsoft/WSL
    # issue 7900).
    $handsOn = $false
    if ($isStore -and (Test-Path -LiteralPath $inbox)) {
        $null = Invoke-Native { & $inbox --version }
        $handsOn = $LASTEXITCODE -eq 0
    }
    @{
        program = [string] $wslProgram
        is_store = $isStore
        hands_on = $handsOn
        version = $version
    }
}

$distributions = Read-Part 'distributions' {
    $all = @()
    if (Test-Path -LiteralPath $lxssUser) {
        $default = [string] (Get-Value (Get-Key $lxssUser) 'DefaultDistribution' '')
        $keys = @(Get-ChildItem -LiteralPath $lxssUser)
        if ($wslProgram -and $keys.Count -gt 0) {
            # --quiet says names alone, and nothing where none runs (microsoft/WSL, WslClient.cpp, ListDistributionsHelper).
            $running = @(Get-Output -Program $wslProgram -Arguments '--list', '--running', '--quiet')
        }
        foreach ($key in $keys) {
            $entry = Get-ItemProperty -LiteralPath $key.PSPath
            $name = [string] (Get-Value $entry 'DistributionName' '')
            $base = ([string] (Get-Value $entry 'BasePath' '')).Replace('\\?\', '')
            # Not each key is a distribution: where one came from the store there is AppxInstallerCache, too, which is empty.
            if (-not $name -or -not $base) { continue }
            $disk = Join-Path -Path $base -ChildPath ([string] (Get-Value $entry 'VhdFileName' 'ext4.vhdx'))
            # Only one that runs is asked: asking would start it.
            $isRunning = $running -contains $name
            $configuration = $null
            $address = ''
            if ($isRunning) {
                $configuration = @(Invoke-Native { & $wslProgram --distribution $name --user root --exec cat /etc/wsl.conf }) -join "`n"
                if ($LASTEXITCODE -ne 0) { $configuration = '' }
                $address = [string] (@(Get-Output -Program $wslProgram -Arguments '--distribution', $name, '--exec', 'hostname', '-I') | Select-Object -First 1)
            }
            $all += @{
                name = $name
                id = [string] $key.PSChildName
                version = [int] (Get-Value $entry 'Version' 1)
                # 1 is installed; others are being installed, removed or moved.
                state = [int] (Get-Value $entry 'State' 0)
                default_user = [int] (Get-Value $entry 'DefaultUid' 0)
                is_default = $default -eq [string] $key.PSChildName
                directory = $base
                disk = $disk
                disk_bytes = if (Test-Path -LiteralPath $disk) { [long] (Get-Item -LiteralPath $disk).Length } else { [long] 0 }
                is_running = $isRunning
                # /etc/wsl.conf, and nothing where it was not asked.
                configuration = $configuration
                addresses = $address
            }
        }
    }
    $all
}

$configuration = Read-Part 'wslconfig' {
    $path = Join-Path -Path $env:USERPROFILE -ChildPath '.wslconfig'
    $there = Test-Path -LiteralPath $path
    @{
        path = [string] $path
        exists = $there
        text = if ($there) { [System.IO.File]::ReadAllText($path) } else { '' }
    }
}

$drives = Read-Part 'drives' {
    $all = @()
    foreach ($drive in Get-CimInstance -ClassName Win32_LogicalDisk) {
        $letter = ([string] $drive.DeviceID).TrimEnd(':')
        $media = ''
        if ([int] $drive.DriveType -eq 3) {
            # What a drive is made of is good to know, and not every controller says it.
            try {
                $number = (Get-Partition -DriveLetter $letter).DiskNumber
                $physical = Get-PhysicalDisk | Where-Object -FilterScript { $_.DeviceId -eq [string] $number } | Select-Object -First 1
                $media = [string] (Get-Value $physical 'MediaType' '')
            }
            catch {
                $media = ''
            }
        }
        $all += @{
            letter = $letter
            # 2 is removable, 3 fixed, 4 another machine's, 5 a disc.
            kind = [int] $drive.DriveType
            label = [string] (Get-Value $drive 'VolumeName' '')
            file_system = [string] (Get-Value $drive 'FileSystem' '')
            media = $media
            size_bytes = [long] (Get-Value $drive 'Size' 0)
            free_bytes = [long] (Get-Value $drive 'FreeSpace' 0)
        }
    }
    $all
}

$gpus = Read-Part 'gpus' {
    $all = @()
    $smi = Join-Path -Path $env:SystemRoot -ChildPath 'System32\nvidia-smi.exe'
    if (Test-Path -LiteralPath $smi) {
        foreach ($line in Get-Output -Program $smi -Arguments '--query-gpu=name,memory.total,driver_version', '--format=csv,noheader,nounits') {
            $parts = @($line.Split(',') | ForEach-Object -Process { $_.Trim() })
            if ($parts.Count -eq 3) { $all += @{ name = $parts[0]; memory_mib = [int] $parts[1]; driver = $parts[2] } }
        }
    }
    $all
}

$displays = Read-Part 'displays' {
    @(Get-CimInstance -ClassName Win32_VideoController | ForEach-Object -Process { [string] $_.Name })
}

$desktop = Read-Part 'docker_desktop' {
    $program = Join-Path -Path $env:ProgramFiles -ChildPath 'Docker\Docker\Docker Desktop.exe'
    $installed = Test-Path -LiteralPath $program
    # Docker's documentation of its settings names the keys of settings-store.json; versions before 4.35 wrote settings.json, with small first letters,
    # which PowerShell does not tell apart.
    $settings = $null
    foreach ($file in 'settings.json', 'settings-store.json') {
        $path = Join-Path -Path $env:APPDATA -ChildPath "Docker\$file"
        if (Test-Path -LiteralPath $path) { $settings = [System.IO.File]::ReadAllText($path) | ConvertFrom-Json }
    }
    @{
        installed = $installed
        version = if ($installed) { [string] (Get-Item -LiteralPath $program).VersionInfo.ProductVersion } else { '' }
        running = $null -ne (Get-Process -Name 'com.docker.backend' -ErrorAction SilentlyContinue)
        wsl_engine = [bool] (Get-Value $settings 'WslEngineEnabled' $true)
        with_default = [bool] (Get-Value $settings 'EnableIntegrationWithDefaultWslDistro' $false)
        distributions = @(Get-Value $settings 'IntegratedWslDistros' @() | ForEach-Object -Process { [string] $_ })
    }
}

$networks = Read-Part 'networks' {
    $addresses = @(Get-NetIPAddress -ErrorAction SilentlyContinue)
    $all = @()
    foreach ($connection in Get-NetConnectionProfile -ErrorAction SilentlyContinue) {
        $all += @{
            name = [string] $connection.InterfaceAlias
            category = [string] $connection.NetworkCategory
            addresses = @(
                $addresses | Where-Object -FilterScript { $_.InterfaceIndex -eq $connection.InterfaceIndex } |
                    ForEach-Object -Process { '{0}/{1}' -f ([string] $_.IPAddress).Split('%')[0], [int] $_.PrefixLength }
            )
        }
    }
    $all
}

$listeners = Read-Part 'listeners' {
    $names = @{}
    foreach ($process in Get-Process) { $names[[int] $process.Id] = [string] $process.ProcessName }
    $all = @()
    foreach ($connection in Get-NetTCPConnection -State Listen -ErrorAction SilentlyContinue) {
        $owner = [int] $connection.OwningProcess
        $all += @{
            address = ([string] $connection.LocalAddress).Split('%')[0]
            port = [int] $connection.LocalPort
            program = if ($names.ContainsKey($owner)) { $names[$owner] } else { '' }
        }
    }
    $all
}

# netsh keeps them here, so that its words need not be read.
$proxies = Read-Part 'proxies' {
    $all = @()
    foreach ($kind in 'v4tov4', 'v4tov6', 'v6tov4', 'v6tov6') {
        $key = Get-Key "HKLM:\SYSTEM\CurrentControlSet\Services\PortProxy\$kind\tcp"
        if ($null -eq $key) { continue }
        foreach ($property in $key.PSObject.Properties) {
            if ($property.Name -notmatch '^(?<address>[^/]+)/(?<port>\d+)$') { continue }
            $listen = @{ address = $Matches['address']; port = [int] $Matches['port'] }
            $to = ([string] $property.Value).Split('/')
            $all += @{
                kind = $kind
                listen_address = $listen.address
                listen_port = $listen.port
                connect_address = $to[0]
                connect_port = [int] $to[1]
            }
        }
    }
    $all
}

# Ours have a group of their own, so that they are found again whatever they are called.
$rules = Read-Part 'rules' {
    $all = @()
    foreach ($rule in Get-NetFirewallRule -Group 'hearth.llm' -ErrorAction SilentlyContinue) {
        $ports = $rule | Get-NetFirewallPortFilter
        $remote = $rule | Get-NetFirewallAddressFilter
        $all += @{
            name = [string] $rule.DisplayName
            enabled = [string] $rule.Enabled -eq 'True'
            action = [string] $rule.Action
            direction = [string] $rule.Direction
            profiles = [string] $rule.Profile
            protocol = [string] $ports.Protocol
            ports = @($ports.LocalPort | ForEach-Object -Process { [string] $_ })
            sources = @($remote.RemoteAddress | ForEach-Object -Process { [string] $_ })
        }
    }
    $all
}

# There from Windows 11 22H2 on. The number is WSL's (MicrosoftDocs/WSL, networking.md).
$hypervRules = Read-Part 'hyperv_rules' {
    $all = @()
    if ($null -ne (Get-Command -Name Get-NetFirewallHyperVRule -ErrorAction SilentlyContinue)) {
        $ofWsl = @(Get-NetFirewallHyperVRule -VMCreatorId '{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}' -ErrorAction SilentlyContinue)
        foreach ($rule in $ofWsl) {
            if (([string] $rule.Name).StartsWith('hearth.llm ')) {
                $all += @{
                    name = [string] $rule.Name
                    enabled = [string] $rule.Enabled -eq 'True'
                    action = [string] $rule.Action
                    direction = [string] $rule.Direction
                    protocol = [string] $rule.Protocol
                    ports = @($rule.LocalPorts | ForEach-Object -Process { [string] $_ })
                    sources = @($rule.RemoteAddresses | ForEach-Object -Process { [string] $_ })
                }
            }
        }
    }
    $all
}

$tasks = Read-Part 'tasks' {
    $all = @()
    foreach ($task in Get-ScheduledTask -TaskPath '\hearth.llm\' -ErrorAction SilentlyContinue) {
        $all += @{
            name = [string] $task.TaskName
            state = [string] $task.State
            user = [string] $task.Principal.UserId
            logon = [string] $task.Principal.LogonType
            level = [string] $task.Principal.RunLevel
            triggers = @($task.Triggers | ForEach-Object -Process { ([string] $_.CimClass.CimClassName).Replace('MSFT_Task', '').Replace('Trigger', '').ToLowerInvariant() })
            actions = @($task.Actions | ForEach-Object -Process { @{ path = [string] (Get-Value $_ 'Execute' ''); arguments = [string] (Get-Value $_ 'Arguments' '') } })
        }
    }
    $all
}

$hosts = Read-Part 'hosts' {
    $all = @()
    foreach ($line in [System.IO.File]::ReadAllLines((Join-Path -Path $env:SystemRoot -ChildPath 'System32\drivers\etc\hosts'))) {
        $words = @($line.Split('#')[0].Split([char[]] " `t", [System.StringSplitOptions]::RemoveEmptyEntries))
        if ($words.Count -gt 1) { $all += @{ address = $words[0]; names = @($words | Select-Object -Skip 1) } }
    }
    $all
}

ConvertTo-Json -Depth 8 -Compress -InputObject @{
    windows = $windows
    machine = $machine
    user = $user
    openssh = $openssh
    features = $features
    pending_reboot = Get-List $pending
    policies = $policies
    wsl = $wsl
    distributions = Get-List $distributions
    wslconfig = $configuration
    drives = Get-List $drives
    gpus = Get-List $gpus
    displays = Get-List $displays
    docker_desktop = $desktop
    networks = Get-List $networks
    listeners = Get-List $listeners
    proxies = Get-List $proxies
    rules = Get-List $rules
    hyperv_rules = Get-List $hypervRules
    tasks = Get-List $tasks
    hosts = Get-List $hosts
    unread = Get-List $unread
}
